// Asynchronous copies from global to shared memory (cp.async): cuda_pipeline.h of the real thing.
//
// The driver copies when the copy is waited for, so that a missing wait gives wrong numbers, as it may on a
// GPU.
#pragma once
#include "builtins.h"

SIM_UNSEEN void __pipeline_memcpy_async(void* to, const void* from, size_t bytes, size_t zero_fill = 0,
                                        SIM_PLACE) {
    if (bytes != 4 && bytes != 8 && bytes != 16)
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Asynchronous copy of a size that the hardware does not have\n"
                  "__pipeline_memcpy_async is asked for %zu bytes\n"
                  "What to do: copy 4, 8 or 16 bytes at a time",
                  bytes);
    if (zero_fill > bytes)
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Asynchronous copy with too many zeros\n"
                  "__pipeline_memcpy_async is asked to fill %zu of %zu bytes with zeros\n"
                  "What to do: zfill counts the bytes at the end that are not copied; "
                  "it is at most the size",
                  zero_fill, bytes);
    for (uintptr_t address : {uintptr_t(to), uintptr_t(from)})
        if (address % bytes)
            sim::stop(sim::MISALIGNED_ADDRESS, place,
                      "Misaligned asynchronous copy\n"
                      "__pipeline_memcpy_async of %zu bytes: the %s address 0x%zx "
                      "is not a multiple of %zu\n"
                      "What to do: copy smaller pieces, or pad rows so that each begins "
                      "at a multiple of %zu bytes",
                      bytes, address == uintptr_t(to) ? "target" : "source", size_t(address), bytes, bytes);
    sim_pipeline_copy(to, from, bytes, zero_fill, place);
}
SIM_UNSEEN void __pipeline_commit() { sim_pipeline_commit(); }
SIM_UNSEEN void __pipeline_wait_prior(size_t prior) { sim_pipeline_wait(unsigned(prior)); }
