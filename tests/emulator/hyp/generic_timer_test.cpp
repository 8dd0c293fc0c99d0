// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/generic_timer.h"

#include "emulator/hyp/counter.h"
#include "gic_fixture.h"

#include <chrono>
#include <semaphore>
#include <thread>

#include <doctest/doctest.h>

namespace gh::hyp {

constexpr std::uint64_t kMillisecond = kCounterFrequency / 1000;
constexpr std::uint16_t kCntfrq = cpu::sysreg(3, 3, 14, 0, 0);
constexpr std::uint16_t kCntpct = cpu::sysreg(3, 3, 14, 0, 1);
constexpr std::uint16_t kCntvct = cpu::sysreg(3, 3, 14, 0, 2);
constexpr std::uint16_t kCntkctl = cpu::sysreg(3, 0, 14, 1, 0);
constexpr std::uint16_t kCntvTval = cpu::sysreg(3, 3, 14, 3, 0);
constexpr std::uint16_t kCntvCtl = cpu::sysreg(3, 3, 14, 3, 1);
constexpr std::uint16_t kCntvCval = cpu::sysreg(3, 3, 14, 3, 2);
constexpr std::uint16_t kCntpCtl = cpu::sysreg(3, 3, 14, 2, 1);
constexpr std::uint16_t kCntpCval = cpu::sysreg(3, 3, 14, 2, 2);

struct TimerFixture : GicFixture<1> {
    TimerFixture() { enable_all(); }
    std::uint64_t read(std::uint16_t id)
    {
        std::uint64_t value = 0;
        CHECK(timer.read_register(id, value));
        return value;
    }
    bool write(std::uint16_t id, std::uint64_t value)
    {
        return timer.write_register(id, value, alarm);
    }
    void set_irq(unsigned, bool asserted) noexcept override
    {
        if (asserted)
            raised.release();
    }
    /// Forgets an interrupt that a slow host let come before the guest's next write.
    void forget()
    {
        (void)gicr(kSgiFrame + GICD_ISPENDR);
        while (raised.try_acquire()) {
        }
    }
    bool raised_within_a_second() { return raised.try_acquire_for(std::chrono::seconds(1)); }

    std::counting_semaphore<> raised{0};
    GenericTimer timer{0, gic};
    Alarm alarm{GenericTimer::kSlots,
                [this](std::size_t slot) { timer.ring(static_cast<unsigned>(slot)); }};
};

TEST_CASE("a comparator's condition is met when the count has reached CVAL")
{
    Comparator it{.cval = 100, .enable = true};
    CHECK(it.read_ctl(99) == 1);
    CHECK(it.read_ctl(100) == 5);
    CHECK(it.deadline(99) == 100);
    CHECK(it.deadline(100) == Alarm::kNever);
    CHECK(it.output(100));
    it.imask = true;
    CHECK(it.read_ctl(100) == 7);
    CHECK_FALSE(it.output(100));
}

TEST_CASE("a disabled comparator shows no status and has no deadline")
{
    Comparator it{.cval = 100};
    CHECK(it.read_ctl(200) == 0);
    CHECK(it.deadline(50) == Alarm::kNever);
}

TEST_CASE("TVAL is a signed 32-bit distance from now")
{
    Comparator it;
    it.write_tval(10, 1000);
    CHECK(it.cval == 1010);
    CHECK(it.read_tval(1000) == 10);
    CHECK(it.read_tval(1020) == 0xffff'fff6);
    it.write_tval(0xffff'ffff, 1000);
    CHECK(it.cval == 999);
}

TEST_CASE_FIXTURE(TimerFixture, "virtual and physical count are one counter of CNTFRQ")
{
    CHECK(read(kCntfrq) == 62'500'000);
    const std::uint64_t physical = read(kCntpct);
    const std::uint64_t virt = read(kCntvct);
    CHECK(virt >= physical);
    CHECK(virt - physical < 1000 * kMillisecond);
}

TEST_CASE_FIXTURE(TimerFixture, "registers that Gunyah does not give are undefined (golden)")
{
    std::uint64_t value = 0;
    CHECK_FALSE(write(kCntfrq, 1));
    CHECK_FALSE(timer.read_register(cpu::sysreg(3, 3, 14, 0, 6), value));  // CNTVCTSS_EL0
    CHECK_FALSE(timer.read_register(cpu::sysreg(3, 7, 14, 2, 1), value));  // CNTPS_CTL_EL1
    CHECK(write(kCntkctl, 3));
    CHECK(read(kCntkctl) == 3);
}

TEST_CASE_FIXTURE(TimerFixture, "a deadline in the past raises the PPI at once")
{
    write(kCntvCval, 0);
    write(kCntvCtl, 1);
    CHECK(raised.try_acquire());
    CHECK(read(kCntvCtl) == 5);
    CHECK(icc(kIar1) == 27);
}

TEST_CASE_FIXTURE(TimerFixture, "a deadline raises its PPI when it comes and not before")
{
    const std::uint64_t due = counter_now() + 2 * kMillisecond;
    write(kCntpCval, due);
    write(kCntpCtl, 1);
    CHECK(raised_within_a_second());
    CHECK(counter_now() >= due);
    CHECK(icc(kIar1) == 30);
}

TEST_CASE_FIXTURE(TimerFixture, "a deadline put off is not kept, one put forward is")
{
    write(kCntvTval, kMillisecond);
    write(kCntvCtl, 1);
    write(kCntvTval, 1000 * kMillisecond);
    forget();
    CHECK_FALSE(raised.try_acquire_for(std::chrono::milliseconds(4)));
    write(kCntvTval, kMillisecond);
    CHECK(raised_within_a_second());
}

TEST_CASE_FIXTURE(TimerFixture, "a timer switched off does not ring")
{
    write(kCntvTval, kMillisecond);
    write(kCntvCtl, 1);
    write(kCntvCtl, 0);
    forget();
    CHECK_FALSE(raised.try_acquire_for(std::chrono::milliseconds(3)));
}

TEST_CASE_FIXTURE(TimerFixture, "a CVAL beyond all time is no deadline")
{
    write(kCntvCval, ~0ull);
    write(kCntvCtl, 1);
    CHECK_FALSE(raised.try_acquire_for(std::chrono::milliseconds(1)));
    CHECK(read(kCntvCtl) == 1);
}

}  // namespace gh::hyp
