// Forget the names that half.h or bfloat16.h gave, so that the other can give its own.
// Included once for each.
#undef SIM_WORD
#undef SIM_TYPE
#undef SIM_TYPE2
#undef SIM_RAW
#undef SIM_RAW2
#undef SIM_OTHER
#undef SIM_FORMAT
#undef SIM_JOIN_
#undef SIM_JOIN
#undef SIM_NAME
#undef SIM_TWICE
#undef SIM_F
#undef SIM_F2
