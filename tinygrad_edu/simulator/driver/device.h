// The simulated devices: one, or several equal ones.
#pragma once
#include <cstddef>
#include <map>

namespace sim {

constexpr int DRIVER_VERSION = 13000;
constexpr int CAPABILITY_MAJOR = 9, CAPABILITY_MINOR = 0;
constexpr const char* DEVICE_NAME = "tinygrad_edu simulator (CPU)";

std::map<int, size_t> default_limits();  // of a fresh context

}  // namespace sim
