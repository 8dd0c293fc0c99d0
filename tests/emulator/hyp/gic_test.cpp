// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/gic.h"

#include "gic_fixture.h"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

// Rows named "golden" are those of real Gunyah (shared reference guest-probe.golden.txt, "# GIC").

namespace gh::hyp {

using OnePe = GicFixture<1>;
using TwoPes = GicFixture<2>;

TEST_CASE_FIXTURE(TwoPes, "the distributor identifies itself as Gunyah's does (golden gicd.*)")
{
    CHECK(gicd(GICD_CTLR) == 0x50);
    CHECK(gicd(GICD_TYPER) == 0x349'001f);
    CHECK(gicd(GICD_IIDR) == 0x4700'0070);
    CHECK(gicd(GICD_STATUSR) == 0);
    CHECK(gicd(GICD_PIDR2) == 0x30);
    CHECK(gicd(0xffe0) == 0);
    CHECK(gicd(0xfff0) == 0);
    CHECK(gicd(GICD_ICFGR) == 0xaaaa'aaaa);
    CHECK(gicd(GICD_ICFGR + 8) == 0);
    CHECK(gicd(GICD_IGROUPR) == 0);
    CHECK(gicd(0x3000) == 0);
}

TEST_CASE_FIXTURE(TwoPes, "distributor registers keep what Gunyah's keep (golden gicd.* write)")
{
    CHECK(gicd(GICD_CTLR, ~0u) == 0x53);
    CHECK(gicd(GICD_CTLR, 0) == 0x50);
    CHECK(gicd(GICD_IGROUPR + 4, ~0u) == 0xffff'ffff);
    CHECK(gicd(GICD_IGROUPR + 4 * 31, ~0u) == 0x0fff'ffff);
    CHECK(gicd(GICD_ISENABLER + 4 * 31, ~0u) == 0x0fff'ffff);
    CHECK(gicd(GICD_ICENABLER + 4 * 31, ~0u) == 0);
    CHECK(gicd(GICD_IPRIORITYR + 32, ~0u) == 0xf8f8'f8f8);
    CHECK(gicd(GICD_ICFGR + 8, ~0u) == 0xaaaa'aaaa);
    CHECK(gicd(GICD_TYPER, 0) == 0x349'001f);
    CHECK(gicd(GICD_ITARGETSR + 32, ~0u) == 0);
    CHECK(gicd(GICD_IGROUPR, ~0u) == 0);
}

TEST_CASE_FIXTURE(TwoPes, "misuse of a register is latched in GICD_STATUSR until written back")
{
    gicd(GICD_TYPER, 0);
    CHECK(gicd(GICD_STATUSR) == 8);
    (void)gicd(GICD_SETSPI_NSR);
    CHECK(gicd(GICD_STATUSR) == 12);
    CHECK(gicd(GICD_STATUSR, 12) == 0);
}

TEST_CASE_FIXTURE(TwoPes,
                  "a route to an affinity nobody has changes nothing (golden gicd.irouter32)")
{
    const std::uint64_t irouter32 = kDistributor + GICD_IROUTER + 8ull * 32;
    CHECK(store(irouter32, 0x8000'0000'1234'5678, 8));
    CHECK(load(irouter32, 8) == 0);
    CHECK(store(irouter32, 1, 8));
    CHECK(load(irouter32, 8) == 1);
    CHECK(store(irouter32, 0, 4));
    CHECK(load(irouter32, 4) == 0);
    CHECK(load(kDistributor + GICD_IROUTER + 8ull * 1019, 8) == 0);
}

TEST_CASE_FIXTURE(TwoPes,
                  "accesses of the wrong size or alignment abort (golden gicd.ctlr.ldrb...)")
{
    CHECK_FALSE(load(kDistributor, 1));
    CHECK_FALSE(load(kDistributor, 2));
    CHECK_FALSE(load(kDistributor, 8));
    CHECK_FALSE(load(kDistributor + 2, 4));
    CHECK_FALSE(load(kDistributor + 0xfff8, 1));
    CHECK_FALSE(store(kDistributor + GICD_CTLR, 3, 8));
    CHECK_FALSE(load(kRedistributors, 8));
    CHECK(load(kDistributor + GICD_IPRIORITYR + 33, 1) == 0);
    CHECK(load(kDistributor + GICD_IROUTER + 8ull * 32, 4) == 0);
}

TEST_CASE_FIXTURE(TwoPes, "redistributors know their PE and who is last (golden gicr0, gicr1)")
{
    CHECK(load(kRedistributors + GICR_TYPER, 8) == 0);
    CHECK(load(kRedistributors + kRedistributorSize + GICR_TYPER, 8) == 0x1'0000'0110);
    CHECK(gicr(GICR_TYPER + 4, 1) == 1);
    CHECK(gicr(GICR_IIDR) == 0x4700'0070);
    CHECK(gicr(0x14) == 0);  // GICR_WAKER
    CHECK(gicr(GICR_PIDR2) == 0x30);
    CHECK(load(kRedistributors + GICR_PROPBASER, 8) == 0);
    CHECK(gicr(kSgiFrame + GICD_ICFGR) == 0xaaaa'aaaa);
    CHECK(gicr(kSgiFrame + GICD_ICFGR + 4) == 0);
    CHECK_FALSE(gic.owns(kRedistributors - 1));
    CHECK_FALSE(gic.owns(kDistributor + kDistributorSize));
}

TEST_CASE_FIXTURE(TwoPes,
                  "redistributors stand as far apart as the layout says (golden gic-stride)")
{
    Gic wide({.stride = 0x3'0000}, {0x8000'0000, 0x8000'0001}, *this);
    const auto typer = [&](std::uint64_t offset) {
        cpu::MmioAccess access{
            .ipa = kRedistributors + offset, .size = 8, .write = false, .value = 0};
        access.ipa += GICR_TYPER;
        return wide.mmio(0, access) == cpu::MmioOutcome::Done ? access.value : ~0ull;
    };
    CHECK(typer(0) == 0);
    CHECK(typer(0x3'0000) == 0x1'0000'0110);
    CHECK_FALSE(wide.owns(kRedistributors + 0x2'0000));
    CHECK(wide.owns(kRedistributors + 0x4'ffff));
    CHECK_FALSE(wide.owns(kRedistributors + 0x6'0000));
}

TEST_CASE_FIXTURE(OnePe, "a redistributor keeps what Gunyah's keeps (golden gicr.* write)")
{
    const auto write = [&](unsigned offset, std::uint32_t value) {
        write_gicr(offset, value);
        return gicr(offset);
    };
    CHECK(write(0x14, 0) == 0);
    CHECK(write(kSgiFrame + GICD_IGROUPR, ~0u) == 0xffff'ffff);
    CHECK(write(kSgiFrame + GICD_ISENABLER, ~0u) == 0xffff'ffff);
    CHECK(write(kSgiFrame + GICD_ICENABLER, ~0u) == 0);
    CHECK(write(kSgiFrame + GICD_IPRIORITYR + 24, ~0u) == 0xf8f8'f8f8);
    CHECK(write(kSgiFrame + GICD_ICFGR + 4, 0) == 0);
    CHECK(write(kSgiFrame + GICD_ICFGR, 0) == 0xaaaa'aaaa);
    CHECK(write(GICR_CTLR, 1) == 0);
}

TEST_CASE_FIXTURE(OnePe, "the CPU interface resets as Gunyah's does (golden icc_*)")
{
    CHECK(icc(kCtlr) == 0x8c00);
    CHECK(icc(kSre) == 7);
    CHECK(icc(kPmr) == 0);
    CHECK(icc(kIgrpen0) == 0);
    CHECK(icc(kIgrpen1) == 0);
    CHECK(icc(kRpr) == 0xff);
    for (const auto id : {kBpr0, kBpr1, kHppir1, kAp1r0, kIar1})
        CHECK_FALSE(icc(id));
    CHECK_FALSE(icc(cpu::sysreg(3, 0, 12, 9, 5)));  // ICC_NMIAR1_EL1
}

TEST_CASE_FIXTURE(OnePe, "writing CPU interface registers (golden icc_* write, on.*)")
{
    CHECK(write_icc(kBpr1, 0));
    write_icc(kPmr, 0xff);
    CHECK(icc(kPmr) == 0xf8);
    write_icc(kCtlr, ~0u);
    CHECK(icc(kCtlr) == 0x8c03);
    write_icc(kCtlr, 0);
    write_icc(kSre, 0);
    CHECK(icc(kSre) == 7);
    write_icc(kIgrpen0, 1);
    CHECK(icc(kIgrpen0) == 0);
    write_icc(kIgrpen1, 1);
    CHECK(icc(kBpr0) == 2);
    CHECK(icc(kBpr1) == 3);
    CHECK(icc(kHppir1) == 1023);
    CHECK(icc(kIar1) == 1023);
    CHECK(icc(kAp1r0) == 0);
    CHECK_FALSE(icc(cpu::sysreg(3, 0, 12, 9, 1)));  // ICC_AP1R1_EL1
    CHECK_FALSE(icc(kEoir1));
    CHECK(write_icc(kEoir1, 1023));
    CHECK(write_icc(kDir, 40));
}

TEST_CASE_FIXTURE(OnePe, "a level SPI is signalled until its line falls")
{
    enable_all();
    gic.set_spi(40, true);
    CHECK(irq[0]);
    CHECK(icc(kIar1) == 40);
    CHECK_FALSE(irq[0]);
    write_icc(kEoir1, 40);
    CHECK(irq[0]);
    gic.set_spi(40, false);
    CHECK_FALSE(irq[0]);
    CHECK(icc(kIar1) == 1023);
}

TEST_CASE_FIXTURE(OnePe, "an edge SPI is signalled once per edge, also while it is active")
{
    enable_all();
    gicd(GICD_ICFGR + 8, ~0u);
    gic.ring_spi(40, true);
    CHECK(icc(kIar1) == 40);
    write_icc(kEoir1, 40);
    CHECK(icc(kIar1) == 1023);
    gic.ring_spi(40, true);
    CHECK(icc(kIar1) == 40);
    gic.ring_spi(40, true);
    CHECK_FALSE(irq[0]);
    write_icc(kEoir1, 40);
    CHECK(irq[0]);
    CHECK(icc(kIar1) == 40);
}

TEST_CASE_FIXTURE(OnePe, "an interrupt that is disabled, in group 0 or masked is not signalled")
{
    enable_all();
    gicd(GICD_ICENABLER + 4, 1u << 8);
    gic.set_spi(40, true);
    CHECK_FALSE(irq[0]);
    CHECK(gicd(GICD_ISPENDR + 4) == 1u << 8);
    CHECK(icc(kHppir1) == 1023);
    gicd(GICD_ISENABLER + 4, 1u << 8);
    CHECK(irq[0]);
    gicd(GICD_IGROUPR + 4, 0);
    CHECK_FALSE(irq[0]);
    gicd(GICD_IGROUPR + 4, ~0u);
    write_icc(kPmr, 0xa0);
    CHECK_FALSE(irq[0]);
    CHECK(icc(kHppir1) == 40);
    CHECK(icc(kIar1) == 1023);
    write_icc(kPmr, 0xa8);
    CHECK(irq[0]);
    gicd(GICD_CTLR, 0);
    CHECK_FALSE(irq[0]);
}

TEST_CASE_FIXTURE(OnePe, "the highest priority comes first, then the lowest INTID")
{
    enable_all();
    priority(300, 0x40);
    for (const unsigned intid : {700u, 40u, 300u})
        gic.ring_spi(intid, false);
    CHECK(icc(kIar1) == 300);
    write_icc(kEoir1, 300);
    CHECK(icc(kIar1) == 40);
    write_icc(kEoir1, 40);
    CHECK(icc(kIar1) == 700);
}

TEST_CASE_FIXTURE(OnePe, "only a higher group priority preempts what runs")
{
    enable_all();
    priority(41, 0x98);
    gic.ring_spi(40, false);
    CHECK(icc(kIar1) == 40);
    CHECK(icc(kRpr) == 0xa0);
    CHECK(icc(kAp1r0) == 1u << 20);
    write_icc(kBpr1, 4);  // group priority: bits 7:4
    gic.ring_spi(41, false);
    CHECK(irq[0]);
    priority(41, 0xa0);
    CHECK_FALSE(irq[0]);
    priority(41, 0x80);
    CHECK(icc(kIar1) == 41);
    CHECK(icc(kRpr) == 0x80);
    write_icc(kEoir1, 41);
    CHECK(icc(kRpr) == 0xa0);
    write_icc(kEoir1, 40);
    CHECK(icc(kRpr) == 0xff);
}

TEST_CASE_FIXTURE(OnePe, "with EOImode 1 an interrupt stays active until ICC_DIR")
{
    enable_all();
    write_icc(kCtlr, 2);
    gic.set_spi(40, true);
    CHECK(icc(kIar1) == 40);
    write_icc(kEoir1, 40);
    CHECK(icc(kRpr) == 0xff);
    CHECK_FALSE(irq[0]);
    CHECK(gicd(GICD_ISACTIVER + 4) == 1u << 8);
    write_icc(kDir, 40);
    CHECK(gicd(GICD_ISACTIVER + 4) == 0);
    CHECK(irq[0]);
}

TEST_CASE_FIXTURE(TwoPes, "IROUTER sends an SPI, pending or not, to one PE")
{
    enable_all();
    gic.set_spi(1019, true);
    CHECK(irq[0]);
    store(kDistributor + GICD_IROUTER + 8ull * 1019, 1, 8);
    CHECK_FALSE(irq[0]);
    CHECK(irq[1]);
    CHECK(icc(kIar1, 0) == 1023);
    CHECK(icc(kIar1, 1) == 1019);
}

TEST_CASE_FIXTURE(OnePe, "SETSPI and CLRSPI pend and unpend by message (golden setspi40)")
{
    enable_all();
    gicd(GICD_SETSPI_NSR, 40);
    CHECK(gicd(GICD_ISPENDR + 4) == 0x100);
    CHECK(icc(kHppir1) == 0x28);
    CHECK(icc(kIar1) == 0x28);
    write_icc(kEoir1, 40);
    gicd(GICD_SETSPI_NSR, 41);
    gicd(GICD_CLRSPI_NSR, 41);
    gicd(GICD_SETSPI_NSR, 5);
    gicd(GICD_SETSPI_NSR, 1020);
    CHECK(icc(kIar1) == 1023);
}

TEST_CASE_FIXTURE(TwoPes, "an SGI reaches the PEs of its target list (golden sgi.self3)")
{
    enable_all();
    write_icc(kSgi1r, 3ull << 24 | 1, 0);
    CHECK(irq[0]);
    CHECK_FALSE(irq[1]);
    CHECK(icc(kIar1, 0) == 3);
    write_icc(kEoir1, 3, 0);
    CHECK(icc(kIar1, 0) == 1023);
    write_icc(kSgi1r, 3ull << 24 | 1ull << 16 | 3, 0);  // another Aff1
    CHECK_FALSE(irq[0]);
    CHECK_FALSE(irq[1]);
}

TEST_CASE_FIXTURE(GicFixture<3>, "an SGI with IRM reaches everybody else")
{
    enable_all();
    write_icc(kSgi1r, 1ull << 40 | 7ull << 24, 1);
    CHECK(irq[0]);
    CHECK_FALSE(irq[1]);
    CHECK(irq[2]);
    CHECK(icc(kIar1, 2) == 7);
}

TEST_CASE_FIXTURE(OnePe, "a level that becomes an edge while asserted is not lost")
{
    enable_all();
    gic.ring_spi(40, true);
    gicd(GICD_ICFGR + 8, ~0u);
    CHECK(icc(kIar1) == 40);
    write_icc(kEoir1, 40);
    CHECK(icc(kIar1) == 1023);
}

TEST_CASE_FIXTURE(OnePe, "a timer PPI switched off after an exit comes once more (golden 02.17)")
{
    enable_all();
    gic.set_ppi(0, 27, true);
    CHECK(gicr(kSgiFrame + GICD_ISPENDR) == 1u << 27);
    CHECK(icc(kIar1) == 27);
    gic.enter(0);
    gic.set_ppi(0, 27, false);
    write_icc(kEoir1, 27);
    gic.enter(0);
    CHECK(icc(kIar1) == 27);
    gic.enter(0);
    write_icc(kEoir1, 27);
    CHECK(icc(kIar1) == 1023);
}

TEST_CASE_FIXTURE(OnePe, "a guest that looks at the GIC's frames sees that a PPI has fallen")
{
    enable_all();
    gic.set_ppi(0, 27, true);
    gic.set_ppi(0, 27, false);
    CHECK(irq[0]);
    CHECK(gicr(kSgiFrame + GICD_ISPENDR) == 0);
    CHECK_FALSE(irq[0]);
}

TEST_CASE_FIXTURE(OnePe, "a timer PPI switched off in its handler at once does not come again")
{
    enable_all();
    gic.set_ppi(0, 27, true);
    CHECK(icc(kIar1) == 27);
    gic.set_ppi(0, 27, false);
    write_icc(kEoir1, 27);
    CHECK(icc(kIar1) == 1023);
}

TEST_CASE_FIXTURE(OnePe, "a timer PPI still asserted at its end comes again")
{
    enable_all();
    gic.set_ppi(0, 27, true);
    CHECK(icc(kIar1) == 27);
    CHECK_FALSE(irq[0]);
    write_icc(kEoir1, 27);
    CHECK(irq[0]);
}

TEST_CASE_FIXTURE(TwoPes, "interrupts from many threads all arrive")
{
    enable_all();
    gicd(GICD_ICFGR + 8, ~0u);
    std::atomic<unsigned> taken{0};
    const auto take = [&](unsigned pe) {
        while (taken < 400) {
            const auto intid = icc(kIar1, pe);
            if (intid == 1023u) {
                std::this_thread::yield();
                continue;
            }
            write_icc(kEoir1, *intid, pe);
            ++taken;
        }
    };
    const auto send = [&](unsigned pe) {
        for (unsigned n = 0; n < 200; ++n) {
            write_icc(kSgi1r, 1ull << 24 | 1ull << pe, pe);
            while (gicr(kSgiFrame + GICD_ISPENDR, pe) != 0u)
                std::this_thread::yield();
        }
    };
    std::jthread a(take, 0);
    std::jthread b(take, 1);
    std::jthread c(send, 0);
    send(1);
    c.join();
    a.join();
    b.join();
    CHECK(taken == 400);
}

}  // namespace gh::hyp
