// The macros of formulas.cuh, which expand to KERNEL(name, arity, result, formula); each rung defines KERNEL.
// A name gets the prefix map_, since an op called `exp` must not hide the function that its formula calls.
#define ANY1(name, formula) KERNEL(map_##name, 1, number, formula)
#define ANY2(name, formula) KERNEL(map_##name, 2, number, formula)
#define ANY3(name, formula) KERNEL(map_##name, 3, number, formula)
#define TEST1(name, formula) KERNEL(map_##name, 1, bool, formula)
#define TEST2(name, formula) KERNEL(map_##name, 2, bool, formula)
#define FLOATING_float32 1
#define FLOATING_float64 1
#define FLOATING_OF(type) FLOATING_##type
#define FLOATING(type) FLOATING_OF(type)
#if FLOATING(SCALAR)
#define FLOAT1(name, formula) ANY1(name, formula)
#define FLOAT2(name, formula) ANY2(name, formula)
#else
#define FLOAT1(name, formula)
#define FLOAT2(name, formula)
#endif
