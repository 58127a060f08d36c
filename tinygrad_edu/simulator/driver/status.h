// How the driver says that something went wrong: a CUresult, and a text that tells the user what to do.
#pragma once
#include <string>

#include "abi.h"

namespace sim {

// Remember `text` as the explanation of `code` and return `code`. cuGetErrorString then answers with it, so
// it becomes the text of the exception that PyCUDA raises. Thread-safe; the last one wins.
CUresult fail(CUresult code, const std::string& text);

// printf into a std::string.
std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));

// The last text given to fail(), or "" (for sim_get("report")).
std::string last_report();

}  // namespace sim
