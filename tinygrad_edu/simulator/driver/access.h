// One load or store of a checked kernel, and its errors other than races.
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

// The verb for a report: "reads" or "writes".
inline const char* verb(bool is_write) { return is_write ? "writes" : "reads"; }

// The running thread for a report: "thread (3, 0, 0) of block (1, 0, 0)".
std::string say_running();
// The access for a report: "thread (3, 0, 0) of block (0, 0, 0) reads 4 bytes: shared variable tile, element
// offset 17".
std::string say_access(const Access& access);
// A description of an address, in terms of the kernel's source.
std::string say_target(uintptr_t address, size_t bytes);

// Checks an address that is neither device nor shared memory. It returns if the kernel may use the address:
// its own stack, its parameters, tables of the module, registered host memory.
void look_elsewhere(const Access& access);
void forget_elsewhere();  // a launch begins

[[noreturn]] void report_forbidden(
    const Access& access);  // bounds, freed memory, constants, copies under way
[[noreturn]] void report_misaligned(const Access& access, size_t alignment, const std::string& type);

// A read of memory that was not written. It is reported later, when it is certain that no other thread writes
// the memory at the same time: at the next barrier for shared memory, at the end of the launch for global
// memory. If another thread writes it before, the error is a race, and that report is more useful.
void note_unwritten(const Access& access);
// Stop the launch if such a read was stored; outside of kernels (`inside` false) the launch is only marked.
void settle_unwritten(Launch& launch, bool shared, bool inside);
void settle_unwritten_of(unsigned thread);  // before another report on the same thread: garbage led to it
void forget_unwritten();

// Asynchronous copies under way (cp.async).
void copy_begins(const Pending& copy);
void copy_ends(const Pending& copy);
void forget_copies();

}  // namespace sim
