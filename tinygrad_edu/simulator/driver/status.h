// Errors of the driver: a CUresult, and a text with advice for the user.
#pragma once
#include <string>

#include "abi.h"

namespace sim {

// Store `text` as the explanation of `code`, and return `code`. cuGetErrorString then returns it, so it
// becomes the text of PyCUDA's exception. It is thread-safe; the last text is used.
CUresult fail(CUresult code, const std::string& text);

// printf into a std::string.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

// The last text given to fail(), or "" (for sim_get("report")).
std::string last_report();

}  // namespace sim
