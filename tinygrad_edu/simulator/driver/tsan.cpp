// The callbacks that g++ -fsanitize=thread inserts before loads and stores. libtsan is not linked; these are
// all callbacks.
#include "profile.h"
#include "status.h"
#include "touch.h"

using namespace sim;

namespace {

// Not inlined into the callbacks, so that they save no registers for it in the usual case.
__attribute__((noinline)) void profiled(uintptr_t address, size_t bytes, bool is_write, const void* pc) {
    profile::access(address, bytes, is_write, pc);
}

template <unsigned BYTES, bool IS_WRITE>
inline void plain(void* address, void* pc) {
    if (__builtin_expect(watching == Mode::plain, 0)) return;
    if (__builtin_expect(watching == Mode::profile, 0))
        return profiled(reinterpret_cast<uintptr_t>(address), BYTES, IS_WRITE, pc);
    checks::touch<BYTES, IS_WRITE>(reinterpret_cast<uintptr_t>(address), reinterpret_cast<uintptr_t>(pc));
}

// A struct, or an access whose type has a smaller alignment than its size.
void range(void* address, size_t bytes, bool is_write, void* pc) {
    if (watching == Mode::plain || bytes == 0) return;
    if (watching == Mode::profile) return profiled(reinterpret_cast<uintptr_t>(address), bytes, is_write, pc);
    checks::visit(reinterpret_cast<uintptr_t>(address), bytes, is_write, !is_write, false,
                  shadow::encode_pc(reinterpret_cast<uintptr_t>(pc), false));
}

}  // namespace

#define PC __builtin_return_address(0)
#define CALLBACKS(bytes)                                                                              \
    SIM_EXPORT void __tsan_read##bytes(void* address) { plain<bytes, false>(address, PC); }           \
    SIM_EXPORT void __tsan_write##bytes(void* address) { plain<bytes, true>(address, PC); }           \
    SIM_EXPORT void __tsan_unaligned_read##bytes(void* address) { range(address, bytes, false, PC); } \
    SIM_EXPORT void __tsan_unaligned_write##bytes(void* address) { range(address, bytes, true, PC); }
CALLBACKS(1)
CALLBACKS(2)
CALLBACKS(4)
CALLBACKS(8)
CALLBACKS(16)

SIM_EXPORT void __tsan_read_range(void* address, size_t bytes) { range(address, bytes, false, PC); }
SIM_EXPORT void __tsan_write_range(void* address, size_t bytes) { range(address, bytes, true, PC); }
SIM_EXPORT void __tsan_init() {}
// The constructor of a class with virtual functions.
SIM_EXPORT void __tsan_vptr_update(void** address, void*) { plain<sizeof(void*), true>(address, PC); }
SIM_EXPORT void __tsan_vptr_read(void** address) { plain<sizeof(void*), false>(address, PC); }
SIM_EXPORT void __tsan_func_entry(void*) {
    if (watching == Mode::profile) profile::called();
}
SIM_EXPORT void __tsan_func_exit() {
    if (watching == Mode::profile) profile::returned();
}

// --- -fsanitize=alignment: accesses whose address is not a multiple of the alignment of the type. A float4
// is often loaded as four aligned floats; only this check finds that its address is wrong.

namespace {

struct TypeName {
    uint16_t kind, details;
    char name[1];  // 'float4'
};
struct Mismatch {
    const char* file;
    uint32_t line, column;
    const TypeName* type;
    unsigned char alignment_log2;
    unsigned char use;
};
enum Use : unsigned char { LOAD, STORE, MEMBER_CALL = 4 };  // the others name a part of it, or refer to it

// The place is from the return address, since `file` and `line` of an implicit copy are those of the struct.
void mismatch(const Mismatch& what, uintptr_t address, void* pc) {
    if (watching != Mode::check || shadow::view.worker == nullptr) return;
    if (what.use == MEMBER_CALL) return;  // what the function does with it will be told
    shadow::Site site;
    site.pc = reinterpret_cast<uintptr_t>(pc);
    const size_t alignment = size_t(1) << what.alignment_log2;
    report_misaligned({address, alignment, what.use == STORE, site}, alignment,
                      std::string("type ") + what.type->name);
}

}  // namespace

SIM_EXPORT void __ubsan_handle_type_mismatch_v1(void* what, void* address) {
    mismatch(*static_cast<Mismatch*>(what), reinterpret_cast<uintptr_t>(address), PC);
}
SIM_EXPORT void __ubsan_handle_type_mismatch_v1_abort(void* what, void* address) {
    mismatch(*static_cast<Mismatch*>(what), reinterpret_cast<uintptr_t>(address), PC);
}
