/* What stands in for cuRAND in the PyCUDA that we build: version 0, with which PyCUDA offers no generators.
 *
 * It is linked into PyCUDA's extension, so that this asks for libcuda.so.1 alone.
 */
#include "curand.h"

curandStatus_t curandGetVersion(int* version) {
    *version = 0;
    return CURAND_STATUS_SUCCESS;
}

curandStatus_t curandGetDirectionVectors32(curandDirectionVectors32_t** vectors,
                                           curandDirectionVectorSet_t set) {
    (void)vectors, (void)set;
    return CURAND_STATUS_NOT_INITIALIZED;
}

curandStatus_t curandGetDirectionVectors64(curandDirectionVectors64_t** vectors,
                                           curandDirectionVectorSet_t set) {
    (void)vectors, (void)set;
    return CURAND_STATUS_NOT_INITIALIZED;
}

curandStatus_t curandGetScrambleConstants32(unsigned int** constants) {
    (void)constants;
    return CURAND_STATUS_NOT_INITIALIZED;
}

curandStatus_t curandGetScrambleConstants64(unsigned long long** constants) {
    (void)constants;
    return CURAND_STATUS_NOT_INITIALIZED;
}
