// Finds lines in the user's source, and writes reports. addr2line reads the debug information. It comes with
// g++, and its few milliseconds do not matter for a launch that ends with a report.
#include "report.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <regex>

#include "images.h"
#include "status.h"

extern char** environ;

namespace sim {

namespace {

// The output of a command; "" if it cannot be run.
std::string output_of(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return "";
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t process = 0;
    const int failed = posix_spawnp(&process, words[0], &actions, nullptr, words.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    std::string text;
    char buffer[4096];
    while (failed == 0) {
        const ssize_t count = read(ends[0], buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        text.append(buffer, static_cast<size_t>(count));
    }
    close(ends[0]);
    while (failed == 0 && waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
    return text;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t begin = 0; begin < text.size();) {
        size_t end = text.find('\n', begin);
        if (end == std::string::npos) end = text.size();
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return lines;
}

bool is_ours(const std::string& file) { return file.find("/simulator/device/") != std::string::npos; }
bool is_of_cpp(const std::string& file) { return file.find("/include/c++/") != std::string::npos; }

std::string base_name(const std::string& file) { return file.substr(file.rfind('/') + 1); }

// `file` is from the debug information; the module has its sources by the names that they had at compile
// time.
Location in_module(const Module& module, const std::string& file, int line, const std::string& function) {
    Location location{base_name(file), line, function, source_line(module, file, line)};
    if (!location.text.empty()) return location;
    for (const auto& [name, text] : module.sections)
        if (name.rfind("text:", 0) == 0 && base_name(name.substr(5)) == location.file)
            location.text = source_line(module, name.substr(5), line);
    return location;
}

// The parts of "folder/kernel.cu:12 (discriminator 2)".
bool split(const std::string& text, std::string* file, int* line) {
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos) return false;
    *file = text.substr(0, colon);
    *line = atoi(text.c_str() + colon + 1);
    return *line > 0 && *file != "??";
}

// The text without its last bracket: "V(const V<int>&)" becomes "V", "V<int>" becomes "V".
std::string without_end(std::string name, char opening, char closing) {
    if (name.empty() || name.back() != closing) return name;
    size_t at = name.size();
    for (int depth = 0; at > 0 && (at == name.size() || depth > 0);) {
        at--;
        depth += (name[at] == closing) - (name[at] == opening);
    }
    return name.substr(0, at);
}

// An implicit copy: g++ generates V::V(const V&) and V::operator=, on the line of `struct V` or of `=
// default`.
bool is_implied_copy(const std::string& function, const std::string& line) {
    static const std::regex head("\\b(struct|class|union|default)\\b");
    const std::string name = without_end(function, '(', ')');
    const size_t colons = name.rfind("::");
    if (colons == std::string::npos || name.size() == function.size()) return false;
    const std::string own = name.substr(colons + 2), owner = without_end(name.substr(0, colons), '<', '>');
    const size_t outer = owner.rfind("::");
    if (own != "operator=" && own != owner.substr(outer == std::string::npos ? 0 : outer + 2)) return false;
    return line.find(';') == std::string::npos || std::regex_search(line, head);
}

// The output of addr2line for one address: pairs of lines, function and place, with the innermost inlined
// call first. The result is the innermost function that the user wrote; if there is none, the nearest place.
Location outermost_of_user(const Module& module, const std::vector<std::string>& lines, size_t begin,
                           size_t end) {
    Location nearest;
    for (size_t i = begin; i + 1 < end; i += 2) {
        std::string file;
        int line;
        if (!split(lines[i + 1], &file, &line) || is_ours(file)) continue;
        nearest = in_module(module, file, line, lines[i]);
        if (!is_of_cpp(file) && !is_implied_copy(lines[i], nearest.text)) break;
    }
    return nearest;
}

std::map<std::pair<std::string, uintptr_t>, Location> known;  // by object and offset
std::mutex known_mutex;

}  // namespace

std::vector<Location> locate(const std::vector<uintptr_t>& pcs) {
    std::lock_guard<std::mutex> lock(known_mutex);
    std::vector<Location> found(pcs.size());
    std::vector<bool> done(pcs.size());
    for (size_t first = 0; first < pcs.size(); first++) {
        if (done[first]) continue;
        const Code code = code_at(pcs[first] - 1);
        if (code.variant == nullptr) continue;
        keep_object(*code.module, *code.variant);
        // All addresses of this object that are not known yet are looked up in one call.
        std::vector<std::string> command = {"addr2line", "-e", code.variant->path, "-a", "-f", "-i", "-C"};
        std::vector<uintptr_t> asked;
        for (size_t i = first; i < pcs.size(); i++) {
            // The instruction before a return address is the call, which is on the right line.
            const uintptr_t offset = pcs[i] - 1 - code.variant->base;
            if (code_at(pcs[i] - 1).variant != code.variant || known.count({code.variant->path, offset}) != 0)
                continue;
            command.push_back(format("0x%zx", static_cast<size_t>(offset)));
            asked.push_back(offset);
        }
        const std::vector<std::string> lines =
            asked.empty() ? std::vector<std::string>() : lines_of(output_of(command));
        size_t number = 0;
        for (size_t i = 0; i < lines.size() && number < asked.size();) {  // a line "0x..." opens each answer
            size_t end = i + 1;
            while (end < lines.size() && lines[end].rfind("0x", 0) != 0) end++;
            known[{code.variant->path, asked[number++]}] = outermost_of_user(*code.module, lines, i + 1, end);
            i = end;
        }
        for (size_t i = first; i < pcs.size(); i++) {
            if (code_at(pcs[i] - 1).variant != code.variant) continue;
            done[i] = true;
            auto known_one = known.find({code.variant->path, pcs[i] - 1 - code.variant->base});
            if (known_one != known.end()) found[i] = known_one->second;
        }
    }
    return found;
}

Location locate(uintptr_t pc) { return locate(std::vector<uintptr_t>{pc})[0]; }

Location locate(sim_place place) {
    if (place.file == nullptr) return {};
    if (worker == nullptr) return {base_name(place.file), place.line, "", ""};
    // Not the running block: some reports come just after it has ended.
    return in_module(*worker->resident.launch->kernel->module, place.file, place.line, "");
}

std::string say(const Location& location) {
    if (location.line == 0) return "at a line that the compiled kernel does not tell";
    const std::string where = location.file + ":" + std::to_string(location.line);
    return location.text.empty() ? where : where + ": " + location.text;
}

std::string say_thread(const Launch& launch, uint64_t block, unsigned thread) {
    const sim_uint3 &g = launch.grid, &b = launch.size;
    return format("thread (%u, %u, %u) of block (%u, %u, %u)", thread % b.x, thread / b.x % b.y,
                  thread / b.x / b.y, static_cast<unsigned>(block % g.x),
                  static_cast<unsigned>(block / g.x % g.y), static_cast<unsigned>(block / g.x / g.y));
}

std::string compose(const std::string& title, const Launch& launch, const std::vector<std::string>& facts,
                    const std::string& advice) {
    std::string text = title + " in kernel " + launch.kernel->name;
    for (const std::string& fact : facts) {
        if (fact.empty()) continue;
        text += "\n  ";
        for (char c : fact) {  // a fact of several lines stays in its column
            text += c;
            if (c == '\n') text += "  ";
        }
    }
    return text + "\n  What to do: " + advice;
}

}  // namespace sim
