// Reports: the line in the user's source, and the text.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core.h"

namespace sim {

struct Location {
    std::string file;  // the user's name of the file: kernel.cu
    int line = 0;      // 0: unknown
    std::string function;
    std::string text;  // the line of source, without indentation
};

// The user's line of a return address in a kernel (addr2line; inlined frames of the simulator's headers are
// skipped).
Location locate(uintptr_t pc);
Location locate(sim_place place);
// Several addresses with one run of addr2line.
std::vector<Location> locate(const std::vector<uintptr_t>& pcs);

// "kernel.cu:12: tile[t] = x[i];"
std::string say(const Location& location);
// "thread (3, 0, 0) of block (1, 0, 0)"
std::string say_thread(const Launch& launch, uint64_t block, unsigned thread);

// A report in the common form:
//   <title> in kernel <name>
//     <line>, each of `facts` on a line of its own
//   What to do: <advice>
std::string compose(const std::string& title, const Launch& launch, const std::vector<std::string>& facts,
                    const std::string& advice);

}  // namespace sim
