// One load or store of a checked kernel, and what can be wrong with it before any race is looked for.
#pragma once
#include <string>

#include "report.h"
#include "shadow.h"

namespace sim {

struct Access {
    uintptr_t address;
    size_t bytes;
    bool is_write;
    shadow::Site site;
};

Location locate(const shadow::Site& site);

// "reads" or "writes"
inline const char* verb(bool is_write) { return is_write ? "writes" : "reads"; }

// "thread (3, 0, 0) of block (1, 0, 0)": the one that runs.
std::string say_running();
// Who does what: "thread (3, 0, 0) of block (0, 0, 0) reads 4 bytes: shared variable tile, element offset
// 17".
std::string say_access(const Access& access);
// Where an address lies, in the words of the kernel's author.
std::string say_target(uintptr_t address, size_t bytes);

// An address that is neither device nor shared memory. Returns when the kernel may use it: its own stack, its
// parameters, tables of the module, registered host memory.
void look_elsewhere(const Access& access);
void forget_elsewhere();  // a launch begins

[[noreturn]] void report_forbidden(
    const Access& access);  // bounds, freed memory, constants, copies under way
[[noreturn]] void report_misaligned(const Access& access, size_t alignment, const std::string& type);

// A read of what nobody wrote yet. It is told when it is sure that nobody else was to write it just then: at
// the next barrier for shared memory, at the end of the launch for global memory. Until then a write by
// another thread makes it a race, which tells more.
void note_unwritten(const Access& access);
// Stop the launch if something is remembered; outside of kernels (`inside` false) the launch is only marked.
void settle_unwritten(Launch& launch, bool shared, bool inside);
void settle_unwritten_of(unsigned thread);  // before another report on the same thread: garbage led to it
void forget_unwritten();

// Asynchronous copies under way (cp.async).
void copy_begins(const Pending& copy);
void copy_ends(const Pending& copy);
void forget_copies();

}  // namespace sim
