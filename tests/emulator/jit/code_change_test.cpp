// SPDX-License-Identifier: BSD-3-Clause
// Code changes, mappings change, and no stale unit runs.
#include "translated_rig.h"

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

constexpr std::uint32_t kMov1 = 0xd280'0020;  // mov x0, #1
constexpr std::uint32_t kMov2 = 0xd280'0040;  // mov x0, #2
constexpr std::uint32_t kMov3 = 0xd280'0060;  // mov x0, #3
constexpr std::uint32_t kRet = 0xd65f'03c0;

constexpr std::uint64_t kCallee = kRam + 0x8000;
constexpr std::uint64_t kOtherCallee = kRam + 0x9000;
constexpr std::uint64_t kForget = kRam + 0x100;
constexpr std::uint64_t kForgetMapping = kRam + 0x180;

/// A caller at the start of RAM that calls page 0, four times, and sums what it returns up in x1.
class Caller : public TranslatedRig {
public:
    /// `branch`: how it calls.
    explicit Caller(std::uint32_t branch)
        : TranslatedRig{
              0xaa1f'03e1,  // mov x1, xzr
              0xd280'0084,  // mov x4, #4
              branch,
              0x8b00'0021,  // add x1, x1, x0
              0xf100'0484,  // subs x4, x4, #1
              0x54ff'ffa1,  // b.ne -12
              kHvc,
          }
    {
        rig.put(kForget, {
                             0xd50b'7526,  // ic ivau, x6
                             0xd503'3f9f,  // dsb sy
                             0xd503'3fdf,  // isb
                             kHvc,
                         });
        rig.put(kForgetMapping, {
                                    0xd508'8766,  // tlbi vaae1, x6
                                    0xd503'3f9f,  // dsb sy
                                    0xd503'3fdf,  // isb
                                    kHvc,
                                });
        rig.put(kCallee, {kMov1, kRet});
        rig.put(kOtherCallee, {kMov2, kRet});
        map(0, kCallee);
        x(2) = page(0);
    }

    std::uint64_t sum()
    {
        REQUIRE(run_at(kRam) == Exit::Requested);
        return x(1);
    }
    void forget_code(std::uint64_t va)
    {
        x(6) = va;
        REQUIRE(run_at(kForget) == Exit::Requested);
    }
    void remap(std::uint64_t to)
    {
        map(0, to);
        x(6) = page(0) >> 12;
        REQUIRE(run_at(kForgetMapping) == Exit::Requested);
    }
};

constexpr std::uint32_t kBlr = 0xd63f'0040;  // blr x2

/// A B into page 0 of which the callee knows: BL does not reach so far, so a piece in the page
/// behind the callee's calls it by BL.
class NearCaller : public Caller {
public:
    NearCaller() : Caller(kBlr)
    {
        constexpr std::uint64_t kPiece = kRam + 0xa000;
        rig.put(kPiece, {
                            0xaa1e'03e5,  // mov x5, x30
                            0x97ff'fbff,  // bl -4100: the page before
                            0xaa05'03fe,  // mov x30, x5
                            kRet,
                        });
        map(1, kPiece);
        x(2) = page(1);
    }
};

}  // namespace

TEST_CASE("IC IVAU makes new code run, whoever has linked to the old")
{
    for (const bool direct : {false, true}) {
        Caller caller(kBlr);
        NearCaller near_caller;
        Caller& t = direct ? near_caller : caller;
        CHECK(t.sum() == 4);
        CHECK(t.sum() == 4);
        t.rig.put(kCallee, {kMov3});
        t.forget_code(TranslatedRig::page(0));
        CHECK(t.sum() == 12);
    }
}

TEST_CASE("IC IVAU through another mapping of the page makes new code run")
{
    Caller t(kBlr);
    CHECK(t.sum() == 4);
    t.rig.put(kCallee, {kMov3});
    t.forget_code(kCallee);  // where EL1 sees all of RAM
    CHECK(t.sum() == 12);
}

TEST_CASE("a jump or a link across pages does not survive a change of the mapping")
{
    for (const bool direct : {false, true}) {
        Caller caller(kBlr);
        NearCaller near_caller;
        Caller& t = direct ? near_caller : caller;
        CHECK(t.sum() == 4);
        t.remap(kOtherCallee);
        CHECK(t.sum() == 8);
        t.remap(kCallee);
        CHECK(t.sum() == 4);
    }
}

TEST_CASE("code that changes is found by a link that led elsewhere before")
{
    NearCaller t;
    CHECK(t.sum() == 4);
    t.remap(kOtherCallee);
    CHECK(t.sum() == 8);
    t.rig.put(kOtherCallee, {kMov3});
    t.forget_code(TranslatedRig::page(0));
    CHECK(t.sum() == 12);
}

TEST_CASE("a page that is unmapped is not run by a link")
{
    NearCaller t;
    CHECK(t.sum() == 4);
    t.unmap(0);
    t.x(6) = TranslatedRig::page(0) >> 12;
    REQUIRE(t.run_at(kForgetMapping) == Exit::Requested);
    REQUIRE(t.run_at(kRam) == Exit::Requested);
    CHECK((t.cpu.state().esr_el1 >> 26) == 0x21);
    CHECK(t.cpu.state().far_el1 == TranslatedRig::page(0));
}

TEST_CASE("a unit that forgets itself runs its new code behind the barrier")
{
    TranslatedRig t{
        0xb900'0022,  // str w2, [x1]
        0xd50b'7b21,  // dc cvau, x1
        0xd503'3f9f,  // dsb sy
        0xd50b'7521,  // ic ivau, x1
        0xd503'3f9f,  // dsb sy
        0xd503'3fdf,  // isb
        kMov1,       kHvc,
    };
    t.x(1) = kRam + 6 * 4;
    for (const std::uint32_t word : {kMov2, kMov3, kMov1}) {
        t.x(2) = word;
        REQUIRE(t.run_at(kRam) == Exit::Requested);
        const std::uint64_t moved = word >> 5 & 0xffff;
        CHECK(t.x(0) == moved);
    }
}

TEST_CASE("IC IALLU makes new code run")
{
    Caller t(kBlr);
    CHECK(t.sum() == 4);
    t.rig.put(kCallee, {kMov3});
    t.rig.put(kForget, {0xd508'751f});  // ic iallu
    t.forget_code(0);
    CHECK(t.sum() == 12);
}

}  // namespace gh::jit::test
