int hv;
const int ci = 4;
constexpr int ce = 5;
const float cf = 2.5f;
const double cd = 2.5;
static const int sci = 7;
const int table[3] = {1, 2, 3};
constexpr float ctab[3] = {1, 2, 3};
static float hs = 1;
const int late = 3 + ci;
struct P {
    int a;
};
P hp;
const P cp = {3};
constexpr P cep = {4};
const char* words = "abc";
const char* const cwords = "abc";
const char cw[] = "abc";
thread_local int tl;
inline int inl = 3;
const int* pci = &ci;
enum { E1 = 3 };
const int nonlit = hv;
extern int ext;
extern const int extc;

// clang-format off: a kernel a line
ACCEPTED(ci) { x[0] = ci; }
ACCEPTED(ce) { x[0] = ce; }
ACCEPTED(cf) { x[0] = cf; }
ACCEPTED(cf_mul) { x[0] = cf * x[1]; }
ACCEPTED(cd) { x[0] = cd; }
ACCEPTED(sci) { x[0] = sci; }
ACCEPTED(late) { x[0] = late; }
ACCEPTED(cp) { x[0] = cp.a; }
ACCEPTED(cep) { x[0] = cep.a; }
ACCEPTED(cep_copy) { P q = cep; x[0] = q.a; }
ACCEPTED(enum) { x[0] = E1; }
ACCEPTED(sizeof_hv) { x[0] = sizeof(hv); }
ACCEPTED(decl_hv) { decltype(hv) a = 3; x[0] = a; }
ACCEPTED(st_local) { static int q; x[0] = q++; }
ACCEPTED(st_local_init) { static int q = 3; x[0] = q++; }
ACCEPTED(st_const_arr) { static const int q[3] = {1, 2, 3}; x[0] = q[x[1]]; }
ACCEPTED(cst_loc) { const int q[3] = {1, 2, 3}; x[0] = q[x[1]]; }
ACCEPTED(ce_loc) { constexpr int q[3] = {1, 2, 3}; x[0] = q[x[1]]; }
ACCEPTED(std_min_ce) { x[0] = ce < ci ? ce : ci; }
ACCEPTED(tern_addr) { x[0] = x[1] ? ce : ci; }
ACCEPTED(maxce) { x[0] = max(ce, x[1]); }
ACCEPTED(lamok) { auto f = [](int a) { return a + ci; }; x[0] = f(1); }
REFUSED(hv_read) { x[0] = hv; }
REFUSED(hv_write) { hv = x[0]; }
REFUSED(hv_addr) { int* p = &hv; x[0] = *p; }
REFUSED(ci_addr) { const int* p = &ci; x[0] = *p; }
REFUSED(ci_ref) { const int& p = ci; x[0] = p; }
REFUSED(ce_addr) { const int* p = &ce; x[0] = *p; }
REFUSED(ce_ref) { const int& r = ce; x[0] = r; }
REFUSED(table_const) { x[0] = table[1]; }
REFUSED(table_dyn) { x[0] = table[x[1]]; }
REFUSED(ctab_const) { x[0] = ctab[1]; }
REFUSED(ctab_dyn) { x[0] = ctab[x[1]]; }
REFUSED(hs) { x[0] = hs; }
REFUSED(hp) { x[0] = hp.a; }
REFUSED(words) { x[0] = words[0]; }
REFUSED(cwords) { x[0] = cwords[0]; }
REFUSED(cw) { x[0] = cw[0]; }
REFUSED(cw_dyn) { x[0] = cw[x[1]]; }
REFUSED(tl) { x[0] = tl; }
REFUSED(inl) { x[0] = inl; }
REFUSED(pci) { x[0] = *pci; }
REFUSED(nonlit) { x[0] = nonlit; }
REFUSED(ext) { x[0] = ext; }
REFUSED(extc) { x[0] = extc; }
REFUSED(dead_hv) { if (0) x[0] = hv; }
REFUSED(tl_local) { static thread_local int q; x[0] = q; }
REFUSED(lam) { auto f = [](int a) { return a + hv; }; x[0] = f(1); }
REFUSED(arg) { x[0] = (int)(size_t)&table[0]; }
