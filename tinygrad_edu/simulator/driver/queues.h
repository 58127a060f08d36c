// Internals of streams and events: the queue of a stream, and the moment of an event.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "contexts.h"
#include "streams.h"

namespace sim {

// cuEventRecord puts a Moment into a stream, and cuStreamWaitEvent waits for it. A new record creates a new
// moment, so that an earlier wait still refers to the old one.
struct Moment {
    CUstream stream;
    uint64_t order;
    bool reached = false;
    double seconds = 0;  // of a steady clock, when it was reached
};

struct Item {
    uint64_t order = 0;  // counts over all streams: what is waited for always has a lower one
    Work work;
    std::shared_ptr<Moment> wait_for, record;
};

// Held while anything runs on the device. Python is never called under this lock, because the interpreter's
// lock may be held by a thread that waits here.
std::recursive_mutex& engine();

// The existing stream of a handle, the default stream for null; if there is none, it calls fail() and returns
// null.
CUstream resolve(const char* call, CUstream stream);

// Put an item into a stream. It runs now, unless work is deferred.
CUresult enqueue(CUstream stream, Item item);
// Run the items of a stream up to and including `order`, after everything that they depend on.
CUresult run_through(CUstream stream, uint64_t order);
// Run all items of a stream; for the default stream, also everything that it waits for.
CUresult finish_stream(CUstream stream);
// Run one item of a stream, if there is one, so that a program that queries in a loop makes progress.
// CUDA_ERROR_NOT_READY if there was one.
CUresult progress(const char* call, CUstream stream, uint64_t order);

void forget_events(CUcontext context);  // events.cpp

}  // namespace sim

struct CUstream_st {
    CUcontext context;
    unsigned flags = CU_STREAM_DEFAULT;
    std::deque<sim::Item> items;
    bool blocking() const { return !(flags & CU_STREAM_NON_BLOCKING); }
};
