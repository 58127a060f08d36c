// Error codes and their texts: fail(), cuGetErrorString, cuGetErrorName.
//
// A CUresult alone has no advice for a student. After a failed call, PyCUDA at once asks cuGetErrorString for
// the text of its exception. So the answer is the text of the last failure with that code.
#include <cstdarg>
#include <cstdio>
#include <map>
#include <mutex>

#include "status.h"

namespace sim {
namespace {

struct Said {
    std::mutex lock;
    std::map<int, std::string> of;  // code -> text of the last failure
    std::string last;
};

Said& said() {
    static Said* everything =
        new Said;  // never destroyed: Python frees device memory while the process exits
    return *everything;
}

struct Code {
    const char *name, *text;
};

const std::map<int, Code>& codes() {
    static const auto* table = new std::map<int, Code>{
#define SIM_RESULT(name, number, text) {number, {#name, text}},
        SIM_RESULTS(SIM_RESULT)
#undef SIM_RESULT
    };
    return *table;
}

}  // namespace

std::string format(const char* pattern, ...) {
    va_list first, second;
    va_start(first, pattern);
    va_copy(second, first);
    int size = vsnprintf(nullptr, 0, pattern, first);
    va_end(first);
    std::string text(size > 0 ? size : 0, '\0');
    vsnprintf(&text[0], text.size() + 1, pattern, second);
    va_end(second);
    return text;
}

CUresult fail(CUresult code, const std::string& text) {
    std::lock_guard<std::mutex> guard(said().lock);
    said().of[code] = text;
    said().last = text;
    return code;
}

std::string last_report() {
    std::lock_guard<std::mutex> guard(said().lock);
    return said().last;
}

}  // namespace sim

SIM_EXPORT CUresult cuGetErrorString(CUresult code, const char** text) {
    using namespace sim;
    if (!text) return CUDA_ERROR_INVALID_VALUE;
    // Stored for each thread and code, so that the pointer stays valid after failures in other threads.
    static thread_local std::map<int, std::string> answers;
    auto known = codes().find(code);
    std::string& answer = answers[code];
    {
        std::lock_guard<std::mutex> guard(said().lock);
        auto found = said().of.find(code);
        if (found != said().of.end()) answer = found->second;
        else if (known != codes().end()) answer = known->second.text;
        else answer = format("%d is not an error code of CUDA", int(code));
    }
    *text = answer.c_str();
    return known == codes().end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuGetErrorName(CUresult code, const char** name) {
    using namespace sim;
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    auto known = codes().find(code);
    *name = known == codes().end() ? "CUDA_ERROR_UNKNOWN" : known->second.name;
    return known == codes().end() ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}
