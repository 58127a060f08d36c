// Streams and events. In eager mode, work runs when it is submitted; in deferred mode, when the program waits
// for it.
#pragma once
#include <functional>

#include "abi.h"

namespace sim {

using Work = std::function<CUresult()>;

// Run `work` in `stream`, now or (in deferred mode) at the next synchronisation of the stream. The legacy
// default stream (null) waits for all blocking streams, and they wait for it.
CUresult submit(CUstream stream, Work work);

// Run everything in all streams of the current context (cuCtxSynchronize, and calls that always synchronise:
// plain copies, cuMemFree). It returns the first error; the rest of the queue still runs.
CUresult finish_all();
// The streams that a plain (synchronous) call on the legacy stream waits for: all except non-blocking
// streams.
CUresult finish_legacy();

void set_deferred(bool on);
bool is_deferred();

}  // namespace sim
