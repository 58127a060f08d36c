// Undefines the macros of kinds.cuh, since other families are compiled in the same text.
#undef ANY1
#undef ANY2
#undef ANY3
#undef TEST1
#undef TEST2
#undef FLOAT1
#undef FLOAT2
#undef KERNEL
#undef FLOATING
#undef FLOATING_OF
#undef FLOATING_float32
#undef FLOATING_float64
