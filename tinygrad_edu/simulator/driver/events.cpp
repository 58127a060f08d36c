// Events: moments in streams, to wait for and to measure time.
#include <set>

#include "queues.h"

struct CUevent_st {
    CUcontext context;
    unsigned flags;
    std::shared_ptr<sim::Moment> moment;  // of the latest record; null before the first
};

namespace sim {
namespace {

std::set<CUevent>& living() {                     // guarded by engine()
    static auto* events = new std::set<CUevent>;  // never destroyed: see errors.cpp
    return *events;
}

CUresult need_event(const char* call, CUevent event) {
    if (CUresult bad = need_driver(call)) return bad;
    std::lock_guard<std::recursive_mutex> guard(engine());
    if (living().count(event)) return CUDA_SUCCESS;
    return fail(CUDA_ERROR_INVALID_HANDLE, plain_name(call) +
                                               ": this is not a living event: it was destroyed, or "
                                               "its context was, or it is no event at all.");
}

CUresult need_time(CUevent event, const char* which) {
    if (event->flags & CU_EVENT_DISABLE_TIMING)
        return fail(CUDA_ERROR_INVALID_HANDLE,
                    format("cuEventElapsedTime: the %s event was created with DISABLE_TIMING.", which));
    if (!event->moment)
        return fail(
            CUDA_ERROR_INVALID_HANDLE,
            format("cuEventElapsedTime: the %s event was never recorded. Call event.record(stream).", which));
    if (!event->moment->reached)
        return fail(CUDA_ERROR_NOT_READY,
                    format("cuEventElapsedTime: the work before the %s event is not done yet. Call "
                           "event.synchronize() first.",
                           which));
    return CUDA_SUCCESS;
}

}  // namespace

void forget_events(CUcontext context) {
    for (auto at = living().begin(); at != living().end();) {
        if ((*at)->context == context) {
            delete *at;
            at = living().erase(at);
        } else {
            ++at;
        }
    }
}

}  // namespace sim

using namespace sim;

SIM_EXPORT CUresult cuEventCreate(CUevent* event, unsigned flags) {
    SIM_NEEDS_CONTEXT;
    SIM_NEEDS_POINTER(event);
    if ((flags & ~7u) || ((flags & CU_EVENT_INTERPROCESS) && !(flags & CU_EVENT_DISABLE_TIMING)))
        return fail(CUDA_ERROR_INVALID_VALUE,
                    format("cuEventCreate: %#x is no set of event flags (INTERPROCESS needs DISABLE_TIMING).",
                           flags));
    std::lock_guard<std::recursive_mutex> guard(engine());
    *event = new CUevent_st{current_context(), flags, nullptr};
    living().insert(*event);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuEventDestroy_v2(CUevent event) {
    if (CUresult bad = need_event(__func__, event)) return bad;
    std::lock_guard<std::recursive_mutex> guard(engine());
    living().erase(event);
    delete event;  // a wait that is queued keeps its moment
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuEventRecord(CUevent event, CUstream handle) {
    if (CUresult bad = need_event(__func__, event)) return bad;
    CUstream stream = resolve(__func__, handle);
    if (!stream) return handle ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT;
    if (stream->context != event->context)
        return fail(CUDA_ERROR_INVALID_HANDLE,
                    "cuEventRecord: the event and the stream are of different contexts.");
    std::lock_guard<std::recursive_mutex> guard(engine());
    event->moment = std::make_shared<Moment>();
    event->moment->stream = stream;
    Item item;
    item.record = event->moment;
    return enqueue(stream, std::move(item));
}

SIM_EXPORT CUresult cuEventSynchronize(CUevent event) {
    if (CUresult bad = need_event(__func__, event)) return bad;
    std::lock_guard<std::recursive_mutex> guard(engine());
    auto moment = event->moment;
    return moment && !moment->reached ? run_through(moment->stream, moment->order) : CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuEventQuery(CUevent event) {
    if (CUresult bad = need_event(__func__, event)) return bad;
    std::lock_guard<std::recursive_mutex> guard(engine());
    auto moment = event->moment;
    return moment && !moment->reached ? progress(__func__, moment->stream, moment->order) : CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent start, CUevent end) {
    if (CUresult bad = need_event(__func__, start)) return bad;
    if (CUresult bad = need_event(__func__, end)) return bad;
    SIM_NEEDS_POINTER(milliseconds);
    std::lock_guard<std::recursive_mutex> guard(engine());
    if (CUresult bad = need_time(start, "first")) return bad;
    if (CUresult bad = need_time(end, "second")) return bad;
    *milliseconds = float((end->moment->seconds - start->moment->seconds) * 1e3);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
    if (CUresult bad = need_event(__func__, event)) return bad;
    if (flags) return fail(CUDA_ERROR_INVALID_VALUE, "cuStreamWaitEvent: flags must be 0.");
    CUstream stream = resolve(__func__, handle);
    if (!stream) return handle ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT;
    std::lock_guard<std::recursive_mutex> guard(engine());
    if (!event->moment) return CUDA_SUCCESS;  // never recorded: nothing to wait for
    Item item;
    item.wait_for = event->moment;
    return enqueue(stream, std::move(item));
}
