// The user's line of Python for a call. It comes from a callback, since only the interpreter knows it.
//
// The callback is called without any lock of the driver, since it takes the interpreter's lock, which a
// thread that waits for the driver may hold.
#include <signal.h>

#include <atomic>
#include <cstdlib>

#include "memory.h"

namespace sim {
namespace {
std::atomic<int (*)(char*, int)> callback{nullptr};
}

std::string where_in_python() {
    auto ask = callback.load();
    if (!ask) return "";
    char text[512];
    int length = ask(text, sizeof text);
    if (length < 0) raise(SIGINT);  // it came while Python answered, where nothing can be raised
    return length > 0 ? std::string(text, size_t(length) < sizeof text ? length : sizeof text) : "";
}

}  // namespace sim

SIM_EXPORT void sim_set_where(int (*callback)(char* out, int size)) { sim::callback = callback; }
