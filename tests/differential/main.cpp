// SPDX-License-Identifier: BSD-3-Clause
// Runs random instructions in random states on our CPU and on an oracle, and compares everything
// that software can see.
#include "base/error.h"
#include "batch.h"
#include "emulator/jit/jit.h"
#include "engines.h"
#include "machine.h"
#include "oracle.h"
#include "report.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace gh::differential {
namespace {

constexpr const char* kUsage =
    "differential: random A64 instructions, our CPU against an oracle\n"
    "  --seconds N      stop after so long (default 20)\n"
    "  --cases N        stop after so many cases instead\n"
    "  --seed N         another sequence (default 1)\n"
    "  --row TEXT       only rows whose names contain TEXT; may be repeated\n"
    "  --batch N        only this batch of the sequence\n"
    "  --case N         with --batch: describe this case, different or not\n"
    "  --differences N  stop after so many different rows (default 10)\n"
    "  --list           print the cases of each row at the end\n"
    "  --unallocated    instead: words that our table does not know must be UNDEFINED for the "
    "oracle\n"
    "  --translated     ours: code translated at its first entry (tier T1), not interpreted\n"
    "  --engines        instead: T1 against T0 on random blocks, at both exception levels\n"
    "  --block N        with --engines: only this block\n"
    "  --threshold N    with --engines: entries of a block before it is translated (default 2)\n"
    "  --runner WORDS   what runs arm64 programs (default: qemu-aarch64 -cpu ...)\n"
    "  --oracle FILE    the oracle program\n";

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t first_batch = 0;
    std::optional<std::uint64_t> cases;
    std::optional<unsigned> one_case;
    double seconds = 20;
    unsigned differences = 10;
    bool list = false;
    bool unallocated = false;
    bool translated = false;
    bool engines = false;
    std::optional<std::uint64_t> block;
    std::uint32_t threshold = 2;
    std::vector<std::string> rows;
    std::optional<std::string> runner;
    std::string oracle = GH_ORACLE;
};

using Clock = std::chrono::steady_clock;

class Run {
public:
    explicit Run(const Options& options)
        : options_(options),
          oracle_(runner(), options.oracle),
          machine_(options.translated),
          counts_(cpu::encodings().size())
    {
        for (const cpu::Encoding& row : cpu::encodings())
            if (wanted(row))
                rows_.push_back(&row);
        if (rows_.empty())
            throw Error("no row has such a name");
    }

    int run()
    {
        const auto begin = Clock::now();
        const auto elapsed = [&] {
            return std::chrono::duration<double>(Clock::now() - begin).count();
        };
        for (std::uint64_t number = options_.first_batch; !enough(elapsed()); ++number)
            options_.unallocated ? run_unallocated(number) : run_batch(number);
        const bool missing = report_rows();
        std::printf("%s: %llu cases in %.1f s (%.0f a second), %zu rows differ\n",
                    options_.unallocated ? "unallocated words" : "differential",
                    static_cast<unsigned long long>(cases_), elapsed(),
                    static_cast<double>(cases_) / elapsed(), different_.size());
        return different_.empty() && !missing && cases_ > 0 ? 0 : 1;
    }

private:
    [[nodiscard]] std::vector<std::string> runner() const
    {
#ifdef __aarch64__
        const char* const standard = "";
#else
        // `max` has all that we have. Words that we do not have are judged by a CPU that has less.
        const char* const standard = options_.unallocated ? "qemu-aarch64 -cpu cortex-a57"
                                                          : "qemu-aarch64 -cpu max,sve=off,sme=off";
#endif
        std::istringstream words(options_.runner.value_or(standard));
        std::vector<std::string> result;
        for (std::string word; words >> word;)
            result.push_back(word);
        return result;
    }

    [[nodiscard]] bool wanted(const cpu::Encoding& row) const
    {
        return options_.rows.empty() ||
               std::any_of(
                   options_.rows.begin(), options_.rows.end(), [&](const std::string& text) {
                       return std::string_view(row.name).find(text) != std::string_view::npos;
                   });
    }

    [[nodiscard]] bool enough(double seconds) const
    {
        return different_.size() >= options_.differences ||
               (options_.cases ? cases_ >= *options_.cases : seconds >= options_.seconds);
    }

    void run_batch(std::uint64_t number)
    {
        Batch& theirs = oracle_.batch();
        const Subjects subjects = fill(theirs, rows_, options_.seed, number, counts_);
        before_ = theirs;
        run_prefix(kCases);
        cases_ += kCases;
        if (options_.one_case)
            describe_case(*options_.one_case);
        compare(number, subjects);
    }

    void compare(std::uint64_t number, const Subjects& subjects)
    {
        const bool windows_differ =
            std::memcmp(machine_.window().data(), oracle_.batch().window, kWindowSize) != 0;
        std::vector<unsigned> differing;
        for (unsigned i = 0; i < kCases; ++i)
            if (!same(ours_.cases[i], oracle_.batch().cases[i]))
                differing.push_back(i);
        if (windows_differ) {
            // What follows a wrong store is not to be blamed.
            const unsigned culprit = find_store();
            if (differing.empty() || culprit < differing.front())
                return report(number, culprit, subjects);
        }
        for (const unsigned i : differing)
            report(number, i, subjects);
    }

    /// Says that case `index` differs, unless its row is known to.
    void report(std::uint64_t number, unsigned index, const Subjects& subjects)
    {
        const cpu::Encoding* const subject = subjects[index / kRepeats];
        const char* const name = subject != nullptr ? subject->name : "a case";
        if (!different_.insert(name).second)
            return;
        std::printf("\n%s differs. Again: differential --seed %llu --batch %llu --case %u", name,
                    static_cast<unsigned long long>(options_.seed),
                    static_cast<unsigned long long>(number), index);
        for (const std::string& row : options_.rows)
            std::printf(" --row %s", row.c_str());
        std::puts("");
        describe_case(index);
    }

    /// The windows differ: which case was the first to make them?
    unsigned find_store()
    {
        unsigned good = 0;
        unsigned bad = kCases;
        while (bad - good > 1) {
            const unsigned middle = (good + bad) / 2;
            (windows_agree(middle) ? good : bad) = middle;
        }
        run_prefix(kCases);
        return bad - 1;
    }

    bool windows_agree(unsigned count)
    {
        run_prefix(count);
        return std::memcmp(machine_.window().data(), oracle_.batch().window, kWindowSize) == 0;
    }

    /// Both sides run the first `count` cases of the batch.
    void run_prefix(unsigned count)
    {
        oracle_.batch() = before_;
        oracle_.start(count);
        machine_.load(before_);
        for (unsigned i = 0; i < count; ++i) {
            ours_.cases[i] = before_.cases[i];
            machine_.run(ours_.cases[i]);
        }
        oracle_.wait();
    }

    void describe_case(unsigned index)
    {
        const auto code = std::span(before_.code[index / kRepeats]);
        run_prefix(index + 1);
        std::fputs(
            describe(code, before_.cases[index], ours_.cases[index], oracle_.batch().cases[index])
                .c_str(),
            stdout);
        std::fputs(describe_windows(machine_.window(), oracle_.batch().window).c_str(), stdout);
        run_prefix(kCases);
    }

    void run_unallocated(std::uint64_t number)
    {
        constexpr std::uint32_t kSigill = 4;
        Batch& batch = oracle_.batch();
        const unsigned count = fill_unallocated(batch, options_.seed, number);
        oracle_.start(count);
        oracle_.wait();
        cases_ += count;
        for (unsigned slot = 0; slot < count; ++slot) {
            if (batch.cases[slot].signal == kSigill)
                continue;
            const std::uint32_t word = batch.code[slot][2];
            const std::string text = disassemble(std::span(&word, 1), batch.cases[slot].pc);
            // One of a kind is enough: ":<tab>word <tab>mnemonic<tab>operands".
            std::istringstream parts(text.substr(text.find(':') + 1));
            std::string mnemonic;
            parts >> mnemonic >> mnemonic;
            if (different_.insert(mnemonic).second)
                std::printf("not in our table, but the oracle runs it: %s", text.c_str());
        }
    }

    /// Prints the cases of each row if asked. True if a row had none though the run was long
    /// enough.
    [[nodiscard]] bool report_rows() const
    {
        bool missing = false;
        for (const cpu::Encoding* row : rows_) {
            const std::uint64_t count =
                counts_[static_cast<std::size_t>(row - cpu::encodings().data())];
            if (options_.list)
                std::printf("%-24s %-8s %10llu\n", row->name, row->feature,
                            static_cast<unsigned long long>(count));
            const bool none = count == 0 && !options_.unallocated &&
                              cases_ >= rows_.size() * kRepeats * 4 && !never_runs(*row);
            if (none)
                std::printf("no case for %s\n", row->name);
            missing = missing || none;
        }
        return missing;
    }

    /// SVC would be a system call of the oracle; SYSL has no instruction in use.
    static bool never_runs(const cpu::Encoding& row)
    {
        return std::string_view(row.name) == "SVC" || std::string_view(row.name) == "SYSL";
    }

    const Options& options_;
    Oracle oracle_;
    Machine machine_;
    std::vector<const cpu::Encoding*> rows_;
    std::vector<std::uint64_t> counts_;
    Batch before_{};
    Batch ours_{};
    std::uint64_t cases_ = 0;
    std::set<std::string> different_;
};

Options parse(const std::vector<std::string>& arguments)
{
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& name = arguments[i];
        const auto value = [&]() -> const std::string& {
            if (i + 1 == arguments.size())
                throw Error(name + " wants a value");
            return arguments[++i];
        };
        if (name == "--seconds")
            options.seconds = std::stod(value());
        else if (name == "--cases")
            options.cases = std::stoull(value());
        else if (name == "--seed")
            options.seed = std::stoull(value());
        else if (name == "--row")
            options.rows.push_back(value());
        else if (name == "--batch")
            options.first_batch = std::stoull(value()), options.cases = 1;
        else if (name == "--case")
            options.one_case = static_cast<unsigned>(std::stoul(value()));
        else if (name == "--differences")
            options.differences = static_cast<unsigned>(std::stoul(value()));
        else if (name == "--list")
            options.list = true;
        else if (name == "--translated")
            options.translated = true;
        else if (name == "--engines")
            options.engines = true;
        else if (name == "--block")
            options.block = std::stoull(value());
        else if (name == "--threshold")
            options.threshold = static_cast<std::uint32_t>(std::stoul(value()));
        else if (name == "--unallocated")
            options.unallocated = true;
        else if (name == "--runner")
            options.runner = value();
        else if (name == "--oracle")
            options.oracle = value();
        else
            throw Error("unknown option " + name + "\n" + kUsage);
    }
    if (options.one_case && *options.one_case >= kCases)
        throw Error("a batch has " + std::to_string(kCases) + " cases");
    return options;
}

int skipped(const char* reason)
{
    std::printf("skipped: %s\n", reason);
    return std::getenv("GH_TEST_NO_SKIP") != nullptr ? 1 : 77;
}

int run(const Options& options)
{
    if ((options.translated || options.engines) && jit::unavailable() != nullptr)
        return skipped(jit::unavailable());
    if (options.engines)
        return compare_engines({.seed = options.seed,
                                .block = options.block,
                                .cases = options.cases,
                                .seconds = options.seconds,
                                .differences = options.differences,
                                .threshold = options.threshold});
    if (options.oracle.empty())
        return skipped("no oracle was built; install gcc-aarch64-linux-gnu and qemu-user");
    return std::make_unique<Run>(options)->run();
}

}  // namespace
}  // namespace gh::differential

int main(int argc, char** argv)
{
    try {
        return gh::differential::run(gh::differential::parse({argv + 1, argv + argc}));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "differential: error: %s\n", error.what());
        return 1;
    }
}
