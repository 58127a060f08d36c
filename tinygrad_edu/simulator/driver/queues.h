// Inside of streams and events: the queue of a stream, and the moment an event stands for.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

#include "contexts.h"
#include "streams.h"

namespace sim {

// What cuEventRecord puts into a stream, and cuStreamWaitEvent waits for. A new record makes a new moment, so
// that a wait given earlier still means the old one.
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

// Held while anything runs on the device. Python is never called under it: its own lock may be held by a
// thread that waits here.
std::recursive_mutex& engine();

// The living stream of a handle, the default stream for null; null with fail() called when there is none.
CUstream resolve(const char* call, CUstream stream);

// Put an item into a stream: it runs now, unless work is deferred.
CUresult enqueue(CUstream stream, Item item);
// Run what lies in a stream up to and including `order`, after all it depends on.
CUresult run_through(CUstream stream, uint64_t order);
// Everything in one stream; of the default stream, everything that it waits for.
CUresult finish_stream(CUstream stream);
// Run one item of a stream if there is one: how a program that asks again and again gets on.
// CUDA_ERROR_NOT_READY when there was one.
CUresult progress(const char* call, CUstream stream, uint64_t order);

void forget_events(CUcontext context);  // events.cpp

}  // namespace sim

struct CUstream_st {
    CUcontext context;
    unsigned flags = CU_STREAM_DEFAULT;
    std::deque<sim::Item> items;
    bool blocking() const { return !(flags & CU_STREAM_NON_BLOCKING); }
};
