// The sources of a module. cuModuleLoadData gets no length, so the container begins with its length.
#include "images.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "core.h"
#include "interrupts.h"
#include "seal.h"
#include "status.h"

extern char** environ;

namespace sim {

namespace {

constexpr char MAGIC[8] = {'\x7f', 'T', 'G', 'E', 'S', 'M', '2', '\0'};
constexpr size_t HEAD_BYTES = 24;  // magic, length, checksum

template <class T>
T read(const char*& at) {
    T value;
    memcpy(&value, at, sizeof value);
    at += sizeof value;
    return value;
}

// FNV-1a, twice with different bases. It is used only to name files in the cache.
std::string hash(const std::string& text) {
    uint64_t a = 0xcbf29ce484222325, b = 0x84222325cbf29ce4;
    for (unsigned char c : text) {
        a = (a ^ c) * 0x100000001b3;
        b = (b ^ c ^ (a >> 32)) * 0x100000001b3;
    }
    return format("%016llx%016llx", static_cast<unsigned long long>(a), static_cast<unsigned long long>(b));
}

bool read_file(const std::string& path, std::string* text) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat found{};
    const bool is_file = file >= 0 && fstat(file, &found) == 0 && S_ISREG(found.st_mode);
    if (is_file) text->resize(static_cast<size_t>(found.st_size));
    size_t done = 0;
    while (is_file && done < text->size()) {
        const ssize_t now = ::read(file, text->data() + done, text->size() - done);
        if (now <= 0) break;
        done += static_cast<size_t>(now);
    }
    if (file >= 0) close(file);
    return is_file && done == text->size();
}

void put_aside(const std::string& path) {
    rename(path.c_str(), (path + format(".aside.%d", static_cast<int>(getpid()))).c_str());
}

// Written under another name and then renamed, so that other processes see the complete file or none. A
// folder of this name is renamed.
bool write_file(const std::string& path, const std::string& text) {
    const std::string beside = path + format(".%d", static_cast<int>(getpid()));
    std::ofstream file(beside, std::ios::binary);
    file << text;
    file.close();
    if (!file.good()) return false;
    if (rename(beside.c_str(), path.c_str()) == 0) return true;
    put_aside(path);
    return rename(beside.c_str(), path.c_str()) == 0;
}

// The folder of this library. If Python has not set the paths, the compiler and the folder of modules are
// beside it.
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
    // In its own process group, so that Ctrl-C reaches it once, and only from here.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t child = 0;
    const int bad =
        posix_spawn(&child, words[0].c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    bool told = false;
    while (bad == 0 && waitpid(child, &status, WNOHANG) == 0) {
        if (is_interrupted() && !told) told = kill(child, SIGINT) == 0;
        usleep(2000);
    }
    return status;
}

// PyCUDA's cache returns a file without checking it, so the file that begins like this image is deleted.
CUresult damaged(const char* image) {
    const char* folder = getenv("PYCUDA_CACHE_DIR");
    int removed = 0;
    if (DIR* files = folder != nullptr ? opendir(folder) : nullptr) {
        while (const dirent* file = readdir(files)) {
            const std::string path = std::string(folder) + "/" + file->d_name;
            std::string text;
            if (read_file(path, &text) && text.size() >= HEAD_BYTES &&
                memcmp(text.data(), image, HEAD_BYTES) == 0)
                removed += unlink(path.c_str()) == 0;
        }
        closedir(files);
    }
    return fail(CUDA_ERROR_INVALID_IMAGE,
                std::string("this module was damaged since it was compiled, or is not all there.\n"
                            "  What to do: ") +
                    (removed != 0 ? "run it again; the damaged file was taken out of PyCUDA's cache."
                                  : "compile it again (where it came from PyCUDA's cache, empty that)."));
}

}  // namespace

std::string modules_folder() {
    const std::string folder = (settings.cache.empty() ? own_folder() : settings.cache) + "/modules";
    if (mkdir(folder.c_str(), 0777) != 0 && errno == EEXIST) {
        struct stat found{};
        if (stat(folder.c_str(), &found) == 0 && !S_ISDIR(found.st_mode)) {
            put_aside(folder);
            mkdir(folder.c_str(), 0777);
        }
    }
    return folder;
}

CUresult read_image(const void* image, Module* module) {
    const char* at = static_cast<const char*>(image);
    if (at == nullptr) return fail(CUDA_ERROR_INVALID_VALUE, "cuModuleLoadData: no image given");
    if (memcmp(at, "\177ELF", 4) == 0 || memcmp(at, "\x50\xed\x55\xba", 4) == 0)
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
    const auto total = read<uint64_t>(at), expected = read<uint64_t>(at);
    const char* end = begin + total;
    // The header of a truncated file has a length that is too large.
    if (total < HEAD_BYTES || !is_readable(begin, total) || checksum(at, total - HEAD_BYTES) != expected)
        return damaged(begin);
    while (at + 16 <= end) {
        const auto name_length = read<uint32_t>(at);
        read<uint32_t>(at);
        const auto length = read<uint64_t>(at);
        if (name_length + length > static_cast<uint64_t>(end - at)) return damaged(begin);
        std::string name(at, name_length);
        module->sections[name].assign(at + name_length, length);
        at += name_length + length;
    }
    for (const char* needed : {"elf", "unit", "variant", "plain"})
        if (module->sections.count(needed) == 0) return damaged(begin);
    for (Mode mode : {Mode::plain, Mode::check, Mode::profile})
        if (module->sections["variant"] == module->name_of(mode)) module->first = mode;
    module->key = hash(module->sections["unit"] + module->sections["flags"]);
    modules_folder();
    return CUDA_SUCCESS;
}

std::string place_of_object(const Module& module) {
    return modules_folder() + "/" + module.key + "." + module.name_of(module.first) + ".so";
}

void keep_object(const Module& module, Variant& variant) {
    if (variant.kept) return;
    variant.kept = true;
    const std::string& object = module.sections.at("elf");
    std::string found;
    const bool same = read_file(variant.path, &found) && found.compare(0, object.size(), object) == 0;
    if (!same) write_file(variant.path, sealed(object));
}

bool compile_variant(const Module& module, Mode mode, std::string* path, std::string* object) {
    const char* name = module.name_of(mode);
    const std::string stem = modules_folder() + "/" + module.key + "." + name;
    *path = stem + ".so";
    if (read_file(*path, object) && unseal(object)) return true;
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
    const bool done = status == 0 && read_file(own + ".so", object) && write_file(*path, sealed(*object));
    for (const char* end : {".cpp", ".flags", ".log", ".so"}) unlink((own + end).c_str());
    if (!done)
        fail(is_interrupted() ? CUDA_ERROR_LAUNCH_FAILED : CUDA_ERROR_INVALID_IMAGE,
             std::string("the module could not be compiled for the ") + name + " mode:\n" + log);
    return done;
}

}  // namespace sim
