// Streams: eager, or deferred until the program waits.
//
// On hardware, work runs in the background. In eager mode all work is done when a call returns, so a missing
// wait has no effect. In deferred mode, nothing is done before it must be: copies from pinned memory read its
// contents when they run, and results are missing until the program has waited for the right stream.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>

#include "queues.h"

namespace sim {
namespace {

std::atomic<bool> deferred{false};
uint64_t last_order = 0;  // guarded by engine()

std::set<CUstream>& living() {
    static auto* streams = new std::set<CUstream>;  // never destroyed: see errors.cpp
    return *streams;
}

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

CUresult run_item(Item& item) {
    CUresult result = item.work ? item.work() : CUDA_SUCCESS;
    if (item.record) {
        item.record->reached = true;
        item.record->seconds = now();
    }
    return result;
}

// The first error of several.
void keep(CUresult& first, CUresult next) {
    if (!first) first = next;
}

// The work that must be done before the first item of a stream may run.
CUresult run_dependencies(CUstream stream, const Item& item) {
    CUresult first = CUDA_SUCCESS;
    if (item.wait_for && !item.wait_for->reached)
        keep(first, run_through(item.wait_for->stream, item.wait_for->order));
    CUcontext context = stream->context;
    if (stream == context->legacy) {
        for (CUstream other : context->streams)
            if (other != stream && other->blocking()) keep(first, run_through(other, item.order));
    } else if (stream->blocking()) {
        keep(first, run_through(context->legacy, item.order));
    }
    return first;
}

CUresult finish(CUcontext context, bool non_blocking_too) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    CUresult first = CUDA_SUCCESS;
    // The newest stream runs first: in this order a missing cuStreamWaitEvent most likely has an effect.
    for (size_t i = context->streams.size(); i-- > 0;)
        if (non_blocking_too || context->streams[i]->blocking())
            keep(first, run_through(context->streams[i], UINT64_MAX));
    return first;
}

}  // namespace

std::recursive_mutex& engine() {
    static auto* lock = new std::recursive_mutex;
    return *lock;
}

CUresult run_through(CUstream stream, uint64_t order) {
    CUresult first = CUDA_SUCCESS;
    while (!stream->items.empty() && stream->items.front().order <= order) {
        keep(first, run_dependencies(stream, stream->items.front()));
        Item item = std::move(stream->items.front());
        stream->items.pop_front();
        keep(first, run_item(item));
    }
    return first;
}

CUstream resolve(const char* call, CUstream stream) {
    if (!stream || stream == legacy_stream() || stream == per_thread_stream()) {
        // All threads of a program share one default stream, which is how PyCUDA is compiled.
        if (need_context(call)) return nullptr;
        return current_context()->legacy;
    }
    std::lock_guard<std::recursive_mutex> guard(engine());
    if (living().count(stream)) return stream;
    fail(CUDA_ERROR_INVALID_HANDLE, plain_name(call) +
                                        ": this is not a living stream: it was destroyed, or its "
                                        "context was, or it is no stream at all.");
    return nullptr;
}

CUresult enqueue(CUstream stream, Item item) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    item.order = ++last_order;
    if (item.record) item.record->order = item.order;
    if (!deferred) return run_item(item);
    stream->items.push_back(std::move(item));
    return CUDA_SUCCESS;
}

CUresult finish_stream(CUstream handle) {
    CUstream stream = resolve("waiting for a stream", handle);
    if (!stream) return handle ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT;
    if (stream == stream->context->legacy) return finish(stream->context, false);
    std::lock_guard<std::recursive_mutex> guard(engine());
    return run_through(stream, UINT64_MAX);
}

CUresult progress(const char* call, CUstream stream, uint64_t order) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    if (stream->items.empty() || stream->items.front().order > order) return CUDA_SUCCESS;
    if (CUresult bad = run_through(stream, stream->items.front().order)) return bad;
    return fail(CUDA_ERROR_NOT_READY, plain_name(call) + ": not all work given before is done yet.");
}

CUresult submit(CUstream handle, Work work) {
    CUstream stream = resolve("cuLaunchKernel or an asynchronous copy", handle);
    if (!stream)
        return handle && handle > per_thread_stream() ? CUDA_ERROR_INVALID_HANDLE
                                                      : CUDA_ERROR_INVALID_CONTEXT;
    if (stream->context != current_context())
        return fail(CUDA_ERROR_INVALID_HANDLE,
                    "The stream belongs to another context than the one that is current in this thread.");
    Item item;
    item.work = std::move(work);
    return enqueue(stream, std::move(item));
}

CUresult finish_all() {
    CUcontext context = current_context();
    return context && is_alive(context) ? finish(context, true) : CUDA_SUCCESS;
}

CUresult finish_legacy() {
    CUcontext context = current_context();
    return context && is_alive(context) ? finish(context, false) : CUDA_SUCCESS;
}

void set_deferred(bool on) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    deferred = on;
    if (!on)
        for (CUcontext context : living_contexts()) finish(context, true);
}

bool is_deferred() { return deferred; }

namespace {

CUstream add_stream(CUcontext context, unsigned flags) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    auto stream = new CUstream_st;
    stream->context = context;
    stream->flags = flags;
    context->streams.push_back(stream);
    living().insert(stream);
    return stream;
}

}  // namespace

void begin_streams(CUcontext context) { context->legacy = add_stream(context, CU_STREAM_DEFAULT); }

void end_streams(CUcontext context) {
    std::lock_guard<std::recursive_mutex> guard(engine());
    forget_events(context);
    for (CUstream stream : context->streams) {
        living().erase(stream);
        delete stream;
    }
    context->streams.clear();
}

}  // namespace sim

using namespace sim;

#define SIM_RESOLVE(stream, handle)              \
    CUstream stream = resolve(__func__, handle); \
    if (!stream) return (handle) ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT

SIM_EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(stream);
    if (flags & ~unsigned(CU_STREAM_NON_BLOCKING))
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuStreamCreate: %#x is no set of stream flags.", flags));
    *stream = add_stream(current_context(), flags);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuStreamDestroy_v2(CUstream handle) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_RESOLVE(stream, handle);
    if (stream == stream->context->legacy)
        return fail(CUDA_ERROR_INVALID_HANDLE, "cuStreamDestroy: the default stream cannot be destroyed.");
    std::lock_guard<std::recursive_mutex> guard(engine());
    CUresult result = run_through(stream, UINT64_MAX);  // work given before is still done
    auto& all = stream->context->streams;
    all.erase(std::find(all.begin(), all.end(), stream));
    living().erase(stream);
    delete stream;
    return result;
}

SIM_EXPORT CUresult cuStreamSynchronize(CUstream handle) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_RESOLVE(stream, handle);
    return finish_stream(stream);
}

SIM_EXPORT CUresult cuStreamQuery(CUstream handle) {
    if (CUresult bad = need_driver(__func__)) return bad;
    SIM_RESOLVE(stream, handle);
    if (CUresult bad = progress(__func__, stream, UINT64_MAX)) return bad;
    if (stream != stream->context->legacy) return CUDA_SUCCESS;
    std::lock_guard<std::recursive_mutex> guard(engine());
    for (CUstream other : stream->context->streams)
        if (other->blocking())
            if (CUresult bad = progress(__func__, other, UINT64_MAX)) return bad;
    return CUDA_SUCCESS;
}
