// Streams and events. Eager: work runs when it is given. Deferred: it runs when somebody waits for it.
#pragma once
#include <functional>

#include "abi.h"

namespace sim {

using Work = std::function<CUresult()>;

// Run `work` in `stream`, now or (in deferred mode) at the next synchronisation that covers the stream.
// The legacy default stream (null) waits for all blocking streams and they for it.
CUresult submit(CUstream stream, Work work);

// Everything in every stream of the current context (cuCtxSynchronize, and calls that synchronise by nature:
// plain copies, cuMemFree). The first error met is returned; the rest of the queue still runs.
CUresult finish_all();
// What a plain (synchronous) call on the legacy stream waits for: all but non-blocking streams.
CUresult finish_legacy();

void set_deferred(bool on);
bool is_deferred();

}  // namespace sim
