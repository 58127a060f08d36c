// What a module is made from. cuModuleLoadData gets no length, so the blob begins with its own.
#include "images.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "core.h"
#include "status.h"

extern char** environ;

namespace sim {

namespace {

constexpr char MAGIC[8] = {'\x7f', 'T', 'G', 'E', 'S', 'I', 'M', '\0'};

template <class T>
T read(const char*& at) {
    T value;
    memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}

// FNV-1a, twice with different bases: names files in the cache, nothing more.
std::string hash(const std::string& text) {
    uint64_t a = 0xcbf29ce484222325, b = 0x84222325cbf29ce4;
    for (unsigned char c : text) {
        a = (a ^ c) * 0x100000001b3;
        b = (b ^ c ^ (a >> 32)) * 0x100000001b3;
    }
    return format("%016llx%016llx", static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
}

bool read_file(const std::string& path, std::string* text) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return false;
    text->assign((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return true;
}

// Written beside and renamed: another process sees all of it or nothing.
bool write_file(const std::string& path, const std::string& text) {
    const std::string beside = path + format(".%d", static_cast<int>(getpid()));
    std::ofstream file(beside, std::ios::binary);
    file << text;
    file.close();
    return file.good() && rename(beside.c_str(), path.c_str()) == 0;
}

// Where this library lies. A process that found it by itself, with no Python to say where things are, finds
// the compiler and the place for modules beside it.
std::string own_folder() {
    Dl_info self{};
    dladdr(reinterpret_cast<const void*>(&read_image), &self);
    const std::string path = self.dli_fname;
    return path.substr(0, path.rfind('/'));
}

std::string compiler() {
    if (!settings.compiler.empty()) return settings.compiler;
    const std::string beside = own_folder() + "/bin/nvcc";
    return access(beside.c_str(), X_OK) == 0 ? beside : "";
}

int run_compiler(const std::vector<std::string>& words, const std::string& log) {
    std::vector<char*> arguments, environment;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    Dl_info self{};
    dladdr(reinterpret_cast<const void*>(&read_image), &self);
    const std::string library = std::string("TINYGRAD_EDU_SIMULATOR_LIB=") + self.dli_fname;
    for (char** one = environ; *one != nullptr; one++)
        if (strncmp(*one, library.c_str(), library.find('=') + 1) != 0) environment.push_back(*one);
    environment.push_back(const_cast<char*>(library.c_str()));
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 2, 1);
    pid_t child = 0;
    const int bad =
        posix_spawn(&child, words[0].c_str(), &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    if (bad == 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
    return status;
}

}  // namespace

std::string modules_folder() {
    const std::string folder = (settings.cache.empty() ? own_folder() : settings.cache) + "/modules";
    mkdir(folder.c_str(), 0777);
    return folder;
}

CUresult read_image(const void* image, Module* module) {
    const char* at = static_cast<const char*>(image);
    if (at == nullptr) return fail(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData: no image given");
    if (memcmp(at,
               "\x7f"
               "ELF",
               4) == 0 ||
        memcmp(at, "\x50\xed\x55\xba", 4) == 0)
        return fail(
            CUDA_ERROR_NO_BINARY_FOR_GPU,
            "this is machine code for a real GPU; the simulator runs what its own nvcc compiled. Call "
            "sim.install() before pycuda is imported, and load the module from source (SourceModule).");
    if (strncmp(at, ".version", 8) == 0 || strncmp(at, "//", 2) == 0)
        return fail(CUDA_ERROR_INVALID_PTX,
                    "this is PTX; the simulator has no PTX compiler. Load the module from CUDA C "
                    "source (SourceModule).");
    if (memcmp(at, MAGIC, sizeof MAGIC) != 0)
        return fail(CUDA_ERROR_INVALID_IMAGE, "these bytes are no module that the simulator's nvcc compiled");
    const char* begin = at;
    at += sizeof MAGIC;
    const auto total = read<uint64_t>(at);
    const char* end = begin + total;
    while (at + 16 <= end) {
        const auto name_length = read<uint32_t>(at);
        read<uint32_t>(at);
        const auto length = read<uint64_t>(at);
        if (name_length + length > static_cast<uint64_t>(end - at))
            return fail(CUDA_ERROR_INVALID_IMAGE,
                        "this module is cut off; compile it again (empty PyCUDA's cache)");
        std::string name(at, name_length);
        module->sections[name].assign(at + name_length, length);
        at += name_length + length;
    }
    for (const char* needed : {"elf", "unit", "variant", "plain"})
        if (module->sections.count(needed) == 0)
            return fail(CUDA_ERROR_INVALID_IMAGE,
                        "this module lacks its code; compile it again (empty PyCUDA's cache)");
    for (Mode mode : {Mode::plain, Mode::check, Mode::profile})
        if (module->sections["variant"] == module->name_of(mode)) module->first = mode;
    module->key = hash(module->sections["unit"] + module->sections["flags"]);
    modules_folder();
    return CUDA_SUCCESS;
}

std::string keep_object(const Module& module, const std::string& object) {
    const std::string path = modules_folder() + "/" + module.key + "." + module.name_of(module.first) + ".so";
    if (access(path.c_str(), R_OK) != 0) write_file(path, object);
    return path;
}

bool compile_variant(const Module& module, Mode mode, std::string* path, std::string* object) {
    const char* name = module.name_of(mode);
    const std::string stem = modules_folder() + "/" + module.key + "." + name;
    *path = stem + ".so";
    if (read_file(*path, object)) return true;
    if (compiler().empty()) {
        fail(CUDA_ERROR_INVALID_IMAGE, std::string("no compiler is known for the ") + name +
                                           " mode; call tinygrad_edu.simulator.install() first");
        return false;
    }
    const std::string own = stem + format(".%d", static_cast<int>(getpid()));
    write_file(own + ".cpp", module.sections.at("unit"));
    write_file(own + ".flags", module.sections.count("flags") ? module.sections.at("flags") : "");
    const int status = run_compiler({compiler(), "--simulator-variant", name, "--unit", own + ".cpp",
                                     "--flags", own + ".flags", "-o", own + ".so"},
                                    own + ".log");
    std::string log;
    read_file(own + ".log", &log);
    const bool done =
        status == 0 && rename((own + ".so").c_str(), path->c_str()) == 0 && read_file(*path, object);
    for (const char* end : {".cpp", ".flags", ".log", ".so"}) unlink((own + end).c_str());
    if (!done)
        fail(CUDA_ERROR_INVALID_IMAGE,
             std::string("the module could not be compiled for the ") + name + " mode:\n" + log);
    return done;
}

}  // namespace sim
