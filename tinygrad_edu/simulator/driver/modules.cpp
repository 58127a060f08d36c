// Loads modules: from the bytes of PyCUDA to kernels that can run.
#include "modules.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "checks.h"
#include "contexts.h"
#include "core.h"
#include "doors.h"
#include "images.h"
#include "memory.h"
#include "status.h"
#include "streams.h"

namespace sim {

namespace {

std::recursive_mutex mutex;  // guards the two below; loading runs static initialisers that register
std::vector<Module*> loaded;
struct Loading {
    Module* module;
    Variant* variant;
} loading{};

constexpr size_t GAP = 64;  // between shared variables: an index past the end of one meets no other

size_t align_up(size_t value, size_t alignment) { return (value + alignment - 1) / alignment * alignment; }

// dlopen returns the object that it has for a path or inode, but every module needs its own variables. So
// each load uses a new copy of the file.
void* open_copy(const std::string& bytes) {
    std::string path = modules_folder() + "/load-XXXXXX";
    int file = mkstemp(path.data());
    if (file < 0) return nullptr;
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
        if (n <= 0) break;
        done += static_cast<size_t>(n);
    }
    close(file);
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    unlink(path.c_str());
    return handle;
}

int find_text(struct dl_phdr_info* info, size_t, void* data) {
    auto* variant = static_cast<Variant*>(data);
    if (info->dlpi_addr != variant->base) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) & part = info->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
        variant->text_begin = variant->base + part.p_vaddr;
        variant->text_end = variant->text_begin + part.p_memsz;
    }
    return 1;
}

// The name for cuModuleGetFunction: g++ mangles as nvcc does, and the symbol table has the name.
std::string symbol_of(const sim_kernel* code) {
    Dl_info info{};
    if (dladdr(code->function, &info) != 0 && info.dli_sname != nullptr && info.dli_saddr == code->function)
        return info.dli_sname;
    return code->symbol;
}

bool load_variant(Module& module, Variant& variant, Mode mode, const std::string& object) {
    const bool has_doors = mode != Mode::plain && object.find("sim_doors") != std::string::npos;
    // The plain variant is loaded first, since device memory contains its addresses.
    if (has_doors && module.variant(Mode::plain) == nullptr) return false;
    loading = {&module, &variant};
    variant.handle = open_copy(object);
    loading = {};
    if (variant.handle == nullptr) {
        const char* why = dlerror();
        fail(CUDA_ERROR_INVALID_IMAGE,
             std::string("the compiled module cannot be loaded: ") + (why ? why : "no space"));
        return false;
    }
    if (module.out_of_memory) {
        fail(CUDA_ERROR_OUT_OF_MEMORY,
             "no device memory is left for the __device__ variables of this module");
        return false;
    }
    if (module.constant_bytes > 64 * 1024) {
        fail(
            CUDA_ERROR_INVALID_IMAGE,
            format("the __constant__ variables of this module take %zu bytes; there are 65536. Put the large "
                   "ones into __device__ memory, or pass them to the kernel.",
                   module.constant_bytes));
        return false;
    }
    struct link_map* map = nullptr;
    dlinfo(variant.handle, RTLD_DI_LINKMAP, &map);
    variant.base = map->l_addr;
    dl_iterate_phdr(find_text, &variant);
    if (has_doors) {
        Variant& plain = *module.variant(Mode::plain);
        keep_object(module, plain);  // its symbols are read from the file
        open_doors(variant, plain);
    }
    variant.shared_bytes = align_up(variant.shared_bytes + GAP, 128);
    if (variant.shared_bytes + MAX_SHARED > SHARED_ARENA) {
        fail(CUDA_ERROR_INVALID_IMAGE,
             "the __shared__ variables of this module take more than 15 MB together");
        return false;
    }
    for (const sim_kernel* code : variant.kernels) {
        std::unique_ptr<Kernel>& kernel = module.kernels[symbol_of(code)];
        if (kernel == nullptr) kernel = std::make_unique<Kernel>();
        kernel->module = &module;
        kernel->symbol = symbol_of(code);
        kernel->name = code->name;
        kernel->in[static_cast<int>(mode)] = code;
    }
    return true;
}

}  // namespace

std::vector<const SharedVariable*> Kernel::shared_variables(Mode mode) const {
    std::vector<const SharedVariable*> found;
    const Variant* variant = module->variants[static_cast<int>(mode)].get();
    const char* const* users = in[static_cast<int>(mode)]->shared_users;
    for (const SharedVariable& variable : variant->shared)
        for (const char* const* user = users; *user != nullptr; user++)
            if (variable.function == *user) {
                found.push_back(&variable);
                break;
            }
    return found;
}

size_t Kernel::static_shared(Mode mode) const {
    // Instantiations of one template are one function by name: each of its variables counts once, with the
    // largest size.
    std::map<std::pair<std::string, std::string>, size_t> largest;
    for (const SharedVariable* variable : shared_variables(mode)) {
        size_t& bytes = largest[{variable->function, variable->name}];
        bytes = std::max(bytes, variable->bytes);
    }
    size_t total = 0;
    for (const auto& [name, bytes] : largest) total += bytes;
    return total;
}

const char* Module::name_of(Mode mode) const {
    if (mode == Mode::plain) return sections.at("plain").c_str();
    return mode == Mode::check ? "check" : "profile";
}

Variant* Module::variant(Mode mode) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    std::unique_ptr<Variant>& slot = variants[static_cast<int>(mode)];
    if (slot != nullptr) return slot.get();
    auto made = std::make_unique<Variant>();
    std::string object;
    if (mode == first) {
        object = sections["elf"];
        made->path = place_of_object(*this);
    } else if (!compile_variant(*this, mode, &made->path, &object)) {
        return nullptr;
    } else {
        made->kept = true;
    }
    if (!load_variant(*this, *made, mode, object)) return nullptr;
    slot = std::move(made);
    return slot.get();
}

CUresult load_module(const void* image, Module** result) {
    auto module = std::make_unique<Module>();
    if (CUresult bad = read_image(image, module.get())) return bad;
    std::lock_guard<std::recursive_mutex> lock(mutex);
    if (module->variant(module->first) == nullptr) return CUDA_ERROR_INVALID_IMAGE;
    *result = module.get();
    loaded.push_back(module.release());
    return CUDA_SUCCESS;
}

void unload_module(Module* module) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    loaded.erase(std::remove(loaded.begin(), loaded.end(), module), loaded.end());
    for (auto& variant : module->variants)
        if (variant != nullptr) dlclose(variant->handle);
    for (const auto& [name, global] : module->globals) release(global.address);
    delete module;
}

Kernel* get_kernel(Module* module, const std::string& name) {
    auto found = module->kernels.find(name);
    return found == module->kernels.end() ? nullptr : found->second.get();
}

Code code_at(uintptr_t pc) {
    std::lock_guard<std::recursive_mutex> lock(mutex);
    for (Module* module : loaded)
        for (auto& variant : module->variants)
            if (variant != nullptr && pc >= variant->text_begin && pc < variant->text_end)
                return {module, variant.get()};
    return {nullptr, nullptr};
}

std::string source_line(const Module& module, const std::string& file, int line) {
    auto found = module.sections.find("text:" + file);
    if (found == module.sections.end()) return "";
    size_t begin = 0;
    for (int i = 1; i < line && begin != std::string::npos; i++) {
        begin = found->second.find('\n', begin);
        if (begin != std::string::npos) begin++;
    }
    if (begin == std::string::npos) return "";
    const size_t end = found->second.find('\n', begin);
    std::string text = found->second.substr(begin, end == std::string::npos ? end : end - begin);
    const size_t first = text.find_first_not_of(" \t\r"), last = text.find_last_not_of(" \t\r");
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace sim

using namespace sim;

extern "C" void sim_register_kernel(const sim_kernel* kernel) { loading.variant->kernels.push_back(kernel); }

extern "C" size_t sim_register_shared(const char* function, const char* name, size_t bytes, size_t alignment,
                                      sim_place place) {
    Variant& variant = *loading.variant;
    const size_t offset = align_up(variant.shared_bytes + GAP, std::max<size_t>(alignment, 16));
    variant.shared.push_back({function, name, offset, bytes, place});
    variant.shared_bytes = offset + bytes;
    return offset;
}

extern "C" void* sim_register_global(const char* kind, const char* name, const void* initial, size_t bytes,
                                     size_t, sim_place) {
    Module& module = *loading.module;
    Global& global = module.globals[name];
    if (global.address == 0) {
        global = {allocate(bytes, Kind::module_variable, name), bytes, kind};
        if (strcmp(kind, "__constant__") == 0) module.constant_bytes += bytes;
        if (global.address == 0) {
            module.out_of_memory = true;
            return nullptr;
        }
        void* memory = reinterpret_cast<void*>(global.address);
        if (initial != nullptr) memcpy(memory, initial, bytes);
        else memset(memory, 0, bytes);
        checks::host_wrote(global.address, bytes);
    }
    return reinterpret_cast<void*>(global.address);
}

namespace {

CUresult load(CUmodule* result, const void* image) {
    if (CUresult bad = need_context("cuModuleLoadData")) return bad;
    Module* module = nullptr;
    if (CUresult bad = load_module(image, &module)) return bad;
    module->context = current_context();
    *result = reinterpret_cast<CUmodule>(module);
    return CUDA_SUCCESS;
}

Module& module_of(CUmodule module) { return *reinterpret_cast<Module*>(module); }

}  // namespace

SIM_EXPORT CUresult cuModuleLoadData(CUmodule* module, const void* image) { return load(module, image); }

SIM_EXPORT CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count,
                                       CUjit_option* options, void** values) {
    // The caller reads back the sizes of the logs; there is nothing to log.
    for (unsigned i = 0; i < count; i++)
        if (options[i] == CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES ||
            options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
            values[i] = nullptr;
    return load(module, image);
}

SIM_EXPORT CUresult cuModuleLoad(CUmodule* module, const char* path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return fail(CUDA_ERROR_FILE_NOT_FOUND, std::string("there is no file ") + path);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return load(module, bytes.data());
}

SIM_EXPORT CUresult cuModuleUnload(CUmodule module) {
    const CUresult result = finish_legacy();
    unload_module(&module_of(module));
    return result;
}

SIM_EXPORT CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
    Kernel* kernel = get_kernel(&module_of(module), name);
    if (kernel == nullptr) {
        std::string names, advice;
        for (const auto& [symbol, other] : module_of(module).kernels) {
            names += (names.empty() ? "" : ", ") + symbol;
            if (other->name == name)
                advice = "\n  What to do: C++ gave it the longer name " + symbol +
                         "; declare it extern \"C\", or ask for that name.";
        }
        return fail(CUDA_ERROR_NOT_FOUND, std::string("there is no kernel named ") + name +
                                              " in this module; it has: " + (names.empty() ? "none" : names) +
                                              advice);
    }
    *function = reinterpret_cast<CUfunction>(kernel);
    return CUDA_SUCCESS;
}

SIM_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module,
                                         const char* name) {
    const auto& globals = module_of(module).globals;
    auto found = globals.find(name);
    if (found == globals.end()) {
        std::string names;
        for (const auto& [other, global] : globals) names += (names.empty() ? "" : ", ") + other;
        return fail(CUDA_ERROR_NOT_FOUND,
                    std::string("there is no __device__ or __constant__ variable named ") + name +
                        " in this module; it has: " + (names.empty() ? "none" : names));
    }
    if (address != nullptr) *address = found->second.address;
    if (bytes != nullptr) *bytes = found->second.bytes;
    return CUDA_SUCCESS;
}
