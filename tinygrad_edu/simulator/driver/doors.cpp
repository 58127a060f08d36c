// Fills the tables of function addresses in checked and profiled variants with the addresses of the plain
// variant.
#include "doors.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <fstream>
#include <unordered_map>

namespace sim {

namespace {

// The functions of an object file by symbol, including hidden ones, which dlsym does not find. The values are
// offsets.
std::unordered_map<std::string, uintptr_t> functions_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    std::unordered_map<std::string, uintptr_t> found;
    if (bytes.size() < sizeof(ElfW(Ehdr))) return found;
    const auto* head = reinterpret_cast<const ElfW(Ehdr)*>(bytes.data());
    const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(bytes.data() + head->e_shoff);
    for (unsigned i = 0; i < head->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB) continue;
        const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(bytes.data() + sections[i].sh_offset);
        const char* names = bytes.data() + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++)
            if (ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC && symbols[k].st_shndx != SHN_UNDEF)
                found[names + symbols[k].st_name] = symbols[k].st_value;
    }
    return found;
}

template <class T>
T* table(const Variant& variant, const char* name) {
    return static_cast<T*>(dlsym(variant.handle, name));
}

}  // namespace

void open_doors(const Variant& variant, const Variant& plain) {
    const auto functions = functions_of(plain.path);
    // A function that the plain variant lacks keeps its own address, since the plain variant cannot use its
    // address.
    for (auto* door = table<sim_door>(variant, "sim_doors"); door->function != nullptr; door++)
        if (auto found = functions.find(door->name); found != functions.end())
            door->address = reinterpret_cast<const void*>(plain.base + found->second);
    for (auto* one = table<sim_door_place>(variant, "sim_door_places"); one->place != nullptr; one++)
        *one->place = one->door->address;
}

}  // namespace sim
