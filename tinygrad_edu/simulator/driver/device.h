// The device we pose as.
#pragma once
#include <cstddef>
#include <map>

namespace sim {

constexpr int DRIVER_VERSION = 13000;
constexpr int CAPABILITY_MAJOR = 9, CAPABILITY_MINOR = 0;
constexpr const char* DEVICE_NAME = "tinygrad_edu simulator (CPU)";
constexpr const char* DEVICE_BUS = "0000:00:00.0";

std::map<int, size_t> default_limits();  // of a fresh context

}  // namespace sim
