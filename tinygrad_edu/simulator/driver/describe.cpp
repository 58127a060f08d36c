// Describes an address in words: the part of a report in which a student recognises the mistake.
#include <iterator>

#include "space.h"
#include "status.h"

namespace sim {
namespace {

std::string count(size_t number) { return format(number == 1 ? "%zu byte" : "%zu bytes", number); }

std::string at(const char* verb, const std::string& place) { return place.empty() ? "" : verb + place; }

// "the 4000 bytes allocated at train.py:31"
std::string whose(const Allocation& a) {
    std::string what;
    switch (a.kind) {
        case Kind::device: what = "the " + count(a.bytes) + " allocated"; break;
        case Kind::pinned: what = "the " + count(a.bytes) + " of pinned host memory allocated"; break;
        case Kind::managed: what = "the " + count(a.bytes) + " of managed memory allocated"; break;
        case Kind::module_variable:
            what = "the variable " + a.name + " (" + count(a.bytes) + ")";
            return a.live ? what : what + " of a module that was unloaded" + at(" at ", a.freed_at);
    }
    what += at(" at ", a.made_at);
    return a.live ? what : what + " and freed" + at(" at ", a.freed_at);
}

std::string in_device_memory(uintptr_t address) {
    Space& s = space();
    std::lock_guard<std::mutex> guard(s.lock);
    const auto& all = s.allocations;
    auto after = all.upper_bound(address);
    const Allocation* below = after == all.begin() ? nullptr : &std::prev(after)->second;
    const Allocation* above = after == all.end() ? nullptr : &after->second;
    if (below && address - below->begin < below->bytes) {
        size_t offset = address - below->begin;
        return offset ? count(offset) + " into " + whose(*below) : "the beginning of " + whose(*below);
    }
    size_t past = below ? address - (below->begin + below->bytes) : SIZE_MAX;
    size_t before = above ? above->begin - address : SIZE_MAX;
    if (!below && !above) return "device memory of which nothing was ever allocated";
    // An address just below the beginning of an allocation more likely belongs to it than to the end of
    // another one.
    if (above && before < past) return count(before) + " before " + whose(*above);
    return past ? count(past) + " past the end of " + whose(*below) : "just past the end of " + whose(*below);
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        if (c == '"' || c == '\\') out += format("\\%c", c);
        else if (c < ' ') out += format("\\u%04x", c);
        else out += char(c);
    }
    return out + '"';
}

const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::pinned: return "pinned";
        case Kind::managed: return "managed";
        case Kind::module_variable: return "module variable";
        default: return "device";
    }
}

}  // namespace

std::string describe_address(uintptr_t address) {
    if (address < PAGE)
        return address ? format("the null pointer plus %zu", size_t(address)) : "the null pointer";
    if (in_device_range(address)) return in_device_memory(address);
    uintptr_t begin;
    Registered host;
    if (registered_at(address, &begin, &host))
        return count(address - begin) + " into the " + count(host.bytes) +
               " of host memory given to cuMemHostRegister";
    return "host memory: an address of the CPU, such as a NumPy array's, where device memory is meant";
}

std::string allocations_json(uint64_t since) {
    Space& s = space();
    std::lock_guard<std::mutex> guard(s.lock);
    std::string out;
    for (const auto& [begin, a] : s.allocations) {
        if (!a.live || a.serial < since || a.kind == Kind::module_variable) continue;
        out += out.empty() ? "" : ", ";
        out += format("{\"address\": %zu, \"bytes\": %zu, \"kind\": \"%s\", \"serial\": %zu, \"made_at\": ",
                      size_t(begin), a.bytes, kind_name(a.kind), size_t(a.serial)) +
               quoted(a.made_at) + "}";
    }
    return "[" + out + "]";
}

}  // namespace sim
