// The line of Python that made a call: asked of a callback, since only the interpreter knows it.
//
// It is called with no lock of the driver held: it takes the interpreter's own lock, which a thread that
// waits for the driver may have.
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
    return length > 0 ? std::string(text, size_t(length) < sizeof text ? length : sizeof text) : "";
}

}  // namespace sim

SIM_EXPORT void sim_set_where(int (*callback)(char* out, int size)) { sim::callback = callback; }
