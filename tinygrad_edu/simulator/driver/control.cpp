// Settings and queries of Python: modes, schedules, limits, reports.
#include <cstdlib>
#include <cstring>

#include "checks.h"
#include "core.h"
#include "launch.h"
#include "memory.h"
#include "profile.h"
#include "status.h"
#include "streams.h"

namespace sim {

Settings settings;

namespace {

bool set_mode(const std::string& value) {
    if (value == "plain") settings.mode = Mode::plain;
    else if (value == "check") settings.mode = Mode::check;
    else if (value == "profile") settings.mode = Mode::profile;
    else return false;
    if (settings.mode == Mode::check) checks::switch_on();
    return true;
}

bool set_order(const std::string& value) {
    if (value == "forward") settings.order = Order::forward;
    else if (value == "reverse") settings.order = Order::reverse;
    else if (value.rfind("random:", 0) == 0) {
        settings.order = Order::random;
        settings.seed = strtoull(value.c_str() + 7, nullptr, 10);
        settings.ordered_at = launch_count();
    } else return false;
    return true;
}

std::string order_text() {
    switch (settings.order) {
        case Order::forward: return "forward";
        case Order::reverse: return "reverse";
        default: return "random:" + std::to_string(settings.seed);
    }
}

const char* mode_text() {
    switch (settings.mode) {
        case Mode::check: return "check";
        case Mode::profile: return "profile";
        default: return "plain";
    }
}

bool set(const std::string& key, const std::string& value) {
    if (key == "mode") return set_mode(value);
    if (key == "order") return set_order(value);
    if (key == "deferred") return set_deferred(value == "1"), true;
    if (key == "workers") return settings.workers = static_cast<unsigned>(atoi(value.c_str())), true;
    if (key == "time_limit") return (settings.time_limit = atof(value.c_str())) > 0;
    if (key == "strict_volatile") return settings.strict_volatile = value == "1", true;
    if (key == "compiler") return settings.compiler = value, true;
    if (key == "cache") return settings.cache = value, true;
    if (key == "devices") return settings.devices = atoi(value.c_str()), true;
    if (key == "memory") return set_memory_total(strtoull(value.c_str(), nullptr, 10)), true;
    if (key == "profile" && value == "clear") return profile::clear(), true;
    if (key == "profile_every") return profile::set_every(static_cast<unsigned>(atoi(value.c_str()))), true;
    return false;
}

std::string get(const std::string& key) {
    if (key == "mode") return mode_text();
    if (key == "order") return order_text();
    if (key == "deferred") return is_deferred() ? "1" : "0";
    if (key == "report") return last_report();
    if (key == "allocations") return allocations_json(0);
    if (key.rfind("allocations:", 0) == 0) return allocations_json(strtoull(key.c_str() + 12, nullptr, 10));
    if (key == "serial") return std::to_string(next_serial());
    if (key == "launches") return std::to_string(launch_count());
    if (key == "profile") return profile::json();
    if (key == "workers") return std::to_string(settings.workers);
    if (key == "time_limit") return format("%.17g", settings.time_limit);
    if (key == "strict_volatile") return settings.strict_volatile ? "1" : "0";
    if (key == "devices") return std::to_string(settings.devices);
    if (key == "memory") return std::to_string(memory_total());
    if (key == "version") return std::to_string(SIM_ABI);
    return "";
}

}  // namespace

}  // namespace sim

// 0 if it was set; 1 if key or value is unknown.
SIM_EXPORT int sim_set(const char* key, const char* value) { return sim::set(key, value) ? 0 : 1; }

// The text is valid until the next call on the same OS thread.
SIM_EXPORT const char* sim_get(const char* key) {
    static thread_local std::string answer;
    answer = sim::get(key);
    return answer.c_str();
}
