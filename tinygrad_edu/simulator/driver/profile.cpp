// The profile: the log of each lane, and the counts that are computed from the logs at each barrier.
//
// Counts are stored for each place in the code (a return address), of each kernel with each launch shape.
// Python, which can take the time to read the object, maps places to lines.
#include "profile.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "memory.h"
#include "requests.h"
#include "images.h"
#include "status.h"

namespace sim::profile {

namespace {

// The most events in the logs of one block, and of one thread. The events of a thread with more of them
// between two barriers are still counted, but the requests of its warp are estimated from the logged part.
constexpr size_t LOG_EVENTS = size_t(1) << 25;
constexpr size_t LANE_EVENTS = size_t(1) << 16;
constexpr size_t WIDEST = 16;

// The object of a kernel. It is a copy, since the module may be unloaded before the counts are read.
struct Object {
    std::string path;
    std::map<std::string, std::string> sources;
    uint64_t text_offset = 0;
    std::vector<uint32_t> site_at;  // by byte of the text: number of the site + 1
    std::vector<Site> sites;
};

// Launches of one kernel with the same grid, block and shared memory.
struct Shape {
    const Object* code;
    std::string symbol, name;
    std::string file;  // of the kernel's definition
    int line = 0;
    sim_uint3 grid, size;
    unsigned shared_bytes;
    uint64_t launches = 0, blocks = 0, looked_at = 0;
    std::vector<Counts> counts;
};

struct Log {
    std::vector<Event> events;
    uint64_t depth = 0;
};

using ShapeKey = std::tuple<const Object*, std::string, std::vector<unsigned>>;
std::map<std::string, std::unique_ptr<Object>> objects;  // by path
std::map<ShapeKey, Shape> shapes;
unsigned every = 1;

// The data of the running launch; there is one at a time.
Object* code = nullptr;
Shape* shape = nullptr;
uintptr_t text_begin = 0, text_bytes = 0;
Spaces spaces;
std::vector<Log> logs;  // by thread of the block
size_t lane_events = 0;
bool looking = false;  // at this block

Object* object_of(const Module& module, Variant& variant) {
    std::unique_ptr<Object>& found = objects[variant.path];
    if (found) return found.get();
    found = std::make_unique<Object>();
    keep_object(module, variant);
    found->path = variant.path;
    found->text_offset = variant.text_begin - variant.base;
    found->site_at.resize(variant.text_end - variant.text_begin);
    for (const auto& [name, text] : module.sections)
        if (name.rfind("text:", 0) == 0) found->sources[name.substr(5)] = text;
    return found.get();
}

// Number of the site at `pc`; CALL_DEPTH, which is not a site, for code outside of the module.
unsigned site_at(const void* pc, Kind kind, size_t bytes, const sim_place* place) {
    const uintptr_t offset = reinterpret_cast<uintptr_t>(pc) - text_begin;
    if (offset >= text_bytes) return CALL_DEPTH;
    std::vector<Site>& sites = code->sites;
    uint32_t number = code->site_at[offset];
    while (number != 0) {
        const Site& site = sites[number - 1];
        if (site.kind == kind && site.bytes == bytes && (place == nullptr || site.line == place->line)) break;
        number = site.next;
    }
    if (number == 0) {
        if (sites.size() >= CALL_DEPTH) return CALL_DEPTH;
        Site site;
        site.offset = code->text_offset + offset;
        site.kind = kind;
        site.bytes = uint32_t(bytes);
        if (place != nullptr && place->file != nullptr) site.file = place->file;
        if (place != nullptr) site.line = place->line;
        site.next = code->site_at[offset];
        sites.push_back(site);
        number = code->site_at[offset] = uint32_t(sites.size());
        shape->counts.resize(sites.size());
    }
    return number - 1;
}

// Count the events in the logs, and empty the logs.
void flush() {
    for (size_t first = 0; first < logs.size(); first += LANES) {
        const unsigned size = unsigned(std::min<size_t>(LANES, logs.size() - first));
        const std::vector<Event>* of_lane[LANES];
        for (unsigned i = 0; i < size; i++) of_lane[i] = &logs[first + i].events;
        replay(of_lane, size, code->sites, spaces, shape->counts);
        for (unsigned i = 0; i < size; i++) {
            Log& log = logs[first + i];
            log.events.clear();
            if (log.depth != 0) log.events.push_back(event(CALL_DEPTH, log.depth));
        }
    }
}

// The log of the running thread; null if nothing is logged.
Log* running() {
    if (!looking || worker == nullptr || worker->thread == nullptr) return nullptr;
    return &logs[worker->thread->index];
}

void record(uintptr_t address, size_t bytes, Kind kind, const void* pc, const sim_place* place) {
    Log* log = running();
    if (log == nullptr) return;
    const unsigned site = site_at(pc, kind, bytes, place);
    if (site == CALL_DEPTH) return;
    shape->counts[site].executions++;
    if (log->events.size() < lane_events) log->events.push_back(event(site, address & ADDRESS_MASK));
}

// One instruction moves at most 16 bytes of a lane.
void record_access(uintptr_t address, size_t bytes, Kind kind, const void* pc, const sim_place* place) {
    for (; bytes > WIDEST; address += WIDEST, bytes -= WIDEST) record(address, WIDEST, kind, pc, place);
    if (bytes != 0) record(address, bytes, kind, pc, place);
}

void moved(int by) {
    Log* log = running();
    if (log == nullptr) return;
    log->depth += by;
    if (log->events.size() < lane_events) log->events.push_back(event(CALL_DEPTH, log->depth));
}

}  // namespace

void launch_begins(Launch& launch) {
    const Kernel& kernel = *launch.kernel;
    code = object_of(*kernel.module, *launch.variant);
    text_begin = launch.variant->text_begin;
    text_bytes = code->site_at.size();
    shape = &shapes[{code,
                     kernel.symbol,
                     {launch.grid.x, launch.grid.y, launch.grid.z, launch.size.x, launch.size.y,
                      launch.size.z, launch.dynamic_bytes}}];
    if (shape->launches++ == 0) {
        shape->code = code;
        shape->symbol = kernel.symbol;
        shape->name = kernel.name;
        if (launch.code->place.file) shape->file = launch.code->place.file;
        shape->line = launch.code->place.line;
        shape->grid = launch.grid;
        shape->size = launch.size;
        shape->shared_bytes = unsigned(kernel.static_shared(Mode::profile)) + launch.dynamic_bytes;
    }
    shape->counts.resize(code->sites.size());
    spaces.device = {DEVICE_BASE, DEVICE_BASE + DEVICE_SPAN};
    spaces.constant.clear();
    for (const auto& [name, global] : kernel.module->globals)
        if (global.kind == "__constant__")
            spaces.constant.push_back({global.address, global.address + global.bytes});
    const size_t threads = size_t(launch.size.x) * launch.size.y * launch.size.z;
    logs.resize(threads);
    lane_events = std::min(LANE_EVENTS, LOG_EVENTS / threads);
}

void launch_ends(Launch&) {
    if (looking) flush();  // a block that was stopped never ended
    looking = false;
    logs.clear();
}

void block_begins(Block& block) {
    looking = block.linear % every == 0;
    shape->blocks++;
    shape->looked_at += looking;
    const uintptr_t arena = reinterpret_cast<uintptr_t>(block.worker->shared);
    const uintptr_t stacks = reinterpret_cast<uintptr_t>(block.worker->stacks);
    spaces.shared = {arena, arena + SHARED_ARENA};
    spaces.stacks = {stacks, stacks + STACK_BYTES * MAX_THREADS};
}

void barrier_released(Block&) {
    if (looking) flush();
}

void block_ends(Block&) {
    if (looking) flush();
    looking = false;
}

void access(uintptr_t address, size_t bytes, bool is_write, const void* pc) {
    record_access(address, bytes, is_write ? Kind::write : Kind::read, pc, nullptr);
}

void access(uintptr_t address, size_t bytes, bool is_write, const void* pc, sim_place place) {
    record_access(address, bytes, is_write ? Kind::write : Kind::read, pc, &place);
}

void atomic(uintptr_t address, size_t bytes, const void* pc, sim_place place) {
    record(address, bytes, Kind::atomic, pc, &place);
}

void called() { moved(+1); }
void returned() { moved(-1); }
void trace(const void* pc) { record(0, 0, Kind::block, pc, nullptr); }

void set_every(unsigned blocks) { every = std::max(1u, blocks); }

void clear() {
    shapes.clear();
    objects.clear();
}

namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        if (c == '"' || c == '\\') out += '\\', out += char(c);
        else if (c < 0x20) out += format("\\u%04x", c);
        else out += char(c);
    }
    return out + '"';
}

std::string list(const sim_uint3& v) { return format("[%u, %u, %u]", v.x, v.y, v.z); }

std::string list(const Counts& counts) {
    const auto n = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    std::string out = format("[%llu, %llu, %llu", n(counts.executions), n(counts.replayed), n(counts.warps));
    for (const Traffic& t : counts.space)
        out += format(", [%llu, %llu, %llu, %llu, %llu]", n(t.requests), n(t.lanes), n(t.units), n(t.ideal),
                      n(t.collisions));
    return out + "]";
}

std::string joined(const std::vector<std::string>& parts, const char* open, const char* close) {
    std::string out = open;
    for (size_t i = 0; i < parts.size(); i++) out += (i ? ",\n" : "") + parts[i];
    return out + close;
}

std::string object(const Object& code) {
    static const char* const KINDS[] = {"block", "read", "write", "atomic"};
    std::vector<std::string> sources, sites;
    for (const auto& [path, text] : code.sources) sources.push_back(quoted(path) + ": " + quoted(text));
    for (const Site& site : code.sites)
        sites.push_back(format("[%llu, \"%s\", %u, ", static_cast<unsigned long long>(site.offset),
                               KINDS[int(site.kind)], site.bytes) +
                        quoted(site.file) + format(", %d]", site.line));
    return quoted(code.path) + ": {\"sources\": " + joined(sources, "{", "}") +
           ", \"sites\": " + joined(sites, "[", "]") + "}";
}

std::string object(const Shape& shape) {
    const auto n = [](uint64_t v) { return static_cast<unsigned long long>(v); };
    std::vector<std::string> counts;
    for (size_t i = 0; i < shape.counts.size(); i++)
        if (shape.counts[i].executions) counts.push_back(format("\"%zu\": ", i) + list(shape.counts[i]));
    return "{\"object\": " + quoted(shape.code->path) + ", \"symbol\": " + quoted(shape.symbol) +
           ", \"name\": " + quoted(shape.name) + ", \"file\": " + quoted(shape.file) +
           format(", \"line\": %d, ", shape.line) + "\"grid\": " + list(shape.grid) +
           ", \"block\": " + list(shape.size) +
           format(", \"shared_bytes\": %u, \"launches\": %llu, \"blocks\": %llu, \"looked_at\": %llu, ",
                  shape.shared_bytes, n(shape.launches), n(shape.blocks), n(shape.looked_at)) +
           "\"counts\": " + joined(counts, "{", "}") + "}";
}

}  // namespace

std::string json() {
    std::vector<std::string> code, launches;
    for (const auto& [path, one] : objects) code.push_back(object(*one));
    for (const auto& [key, one] : shapes) launches.push_back(object(one));
    return "{\"objects\": " + joined(code, "{", "}") + ",\n\"launches\": " + joined(launches, "[", "]") +
           "}\n";
}

}  // namespace sim::profile

SIM_EXPORT void __sanitizer_cov_trace_pc() { sim::profile::trace(__builtin_return_address(0)); }
