// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/registers.h"

#include "emulator/gdb/packet.h"

#include <array>
#include <cstring>

namespace gh::gdb {
namespace {

constexpr std::size_t kPc = 32, kCpsr = 33, kV0 = 34, kFpsr = 66, kFpcr = 67, kSystem = 68;

struct SystemRegister {
    const char* name;
    std::uint64_t cpu::State::*value;
};
constexpr std::array kSystemRegisters{
    SystemRegister{"ESR_EL1", &cpu::State::esr_el1},
    SystemRegister{"FAR_EL1", &cpu::State::far_el1},
    SystemRegister{"ELR_EL1", &cpu::State::elr_el1},
    SystemRegister{"SPSR_EL1", &cpu::State::spsr_el1},
    SystemRegister{"VBAR_EL1", &cpu::State::vbar_el1},
    SystemRegister{"SCTLR_EL1", &cpu::State::sctlr_el1},
    SystemRegister{"TCR_EL1", &cpu::State::tcr_el1},
    SystemRegister{"TTBR0_EL1", &cpu::State::ttbr0_el1},
    SystemRegister{"TTBR1_EL1", &cpu::State::ttbr1_el1},
    SystemRegister{"MAIR_EL1", &cpu::State::mair_el1},
    SystemRegister{"CONTEXTIDR_EL1", &cpu::State::contextidr_el1},
    SystemRegister{"TPIDR_EL0", &cpu::State::tpidr_el0},
    SystemRegister{"TPIDR_EL1", &cpu::State::tpidr_el1},
};

template <class T>
std::string digits_of(const T& value)
{
    return to_hex(std::as_bytes(std::span(&value, 1)));
}

template <class T>
bool parse(std::string_view digits, T& value)
{
    const auto bytes = from_hex(digits);
    if (!bytes || bytes->size() != sizeof value)
        return false;
    std::memcpy(&value, bytes->data(), sizeof value);
    return true;
}

std::size_t size_of(std::size_t number)
{
    if (number == kCpsr || number == kFpsr || number == kFpcr)
        return 4;
    return number >= kV0 && number < kFpsr ? 16 : 8;
}

std::string register_line(const std::string& name, unsigned bits, const char* type)
{
    return "<reg name=\"" + name + "\" bitsize=\"" + std::to_string(bits) + "\" type=\"" + type +
           "\"/>\n";
}

std::string core_feature()
{
    std::string text = "<feature name=\"org.gnu.gdb.aarch64.core\">\n";
    for (unsigned n = 0; n <= 30; ++n)
        text += register_line("x" + std::to_string(n), 64, "int");
    text += register_line("sp", 64, "data_ptr") + register_line("pc", 64, "code_ptr") +
            "<flags id=\"cpsr_flags\" size=\"4\">\n";
    struct Bit {
        const char* name;
        unsigned at;
    };
    for (const Bit& bit :
         {Bit{"SP", 0}, Bit{"F", 6}, Bit{"I", 7}, Bit{"A", 8}, Bit{"D", 9}, Bit{"IL", 20},
          Bit{"SS", 21}, Bit{"PAN", 22}, Bit{"V", 28}, Bit{"C", 29}, Bit{"Z", 30}, Bit{"N", 31}}) {
        const std::string at = std::to_string(bit.at);
        text.append("<field name=\"").append(bit.name).append("\" start=\"").append(at);
        text.append("\" end=\"").append(at).append("\"/>\n");
    }
    text += "<field name=\"EL\" start=\"2\" end=\"3\"/>\n</flags>\n";
    return text + register_line("cpsr", 32, "cpsr_flags") + "</feature>\n";
}

std::string fpu_feature()
{
    std::string text =
        "<feature name=\"org.gnu.gdb.aarch64.fpu\">\n"
        "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>\n"
        "<vector id=\"v2u\" type=\"uint64\" count=\"2\"/>\n"
        "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>\n"
        "<vector id=\"v4u\" type=\"uint32\" count=\"4\"/>\n"
        "<vector id=\"v8u\" type=\"uint16\" count=\"8\"/>\n"
        "<vector id=\"v16u\" type=\"uint8\" count=\"16\"/>\n"
        "<vector id=\"v1u\" type=\"uint128\" count=\"1\"/>\n"
        "<union id=\"vnd\"><field name=\"f\" type=\"v2d\"/><field name=\"u\" "
        "type=\"v2u\"/></union>\n"
        "<union id=\"vns\"><field name=\"f\" type=\"v4f\"/><field name=\"u\" "
        "type=\"v4u\"/></union>\n"
        "<union id=\"vnh\"><field name=\"u\" type=\"v8u\"/></union>\n"
        "<union id=\"vnb\"><field name=\"u\" type=\"v16u\"/></union>\n"
        "<union id=\"vnq\"><field name=\"u\" type=\"v1u\"/></union>\n"
        "<union id=\"aarch64v\"><field name=\"d\" type=\"vnd\"/><field name=\"s\" type=\"vns\"/>"
        "<field name=\"h\" type=\"vnh\"/><field name=\"b\" type=\"vnb\"/>"
        "<field name=\"q\" type=\"vnq\"/></union>\n";
    for (unsigned n = 0; n <= 31; ++n)
        text += register_line("v" + std::to_string(n), 128, "aarch64v");
    return text + register_line("fpsr", 32, "int") + register_line("fpcr", 32, "int") +
           "</feature>\n";
}

std::string system_feature()
{
    std::string text = "<feature name=\"org.gh-vmm.aarch64.system\">\n";
    for (const auto& system : kSystemRegisters)
        text += register_line(system.name, 64, "uint64");
    return text + "</feature>\n";
}

}  // namespace

const std::string& target_description()
{
    static const std::string text =
        "<?xml version=\"1.0\"?>\n"
        "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n"
        "<architecture>aarch64</architecture>\n" +
        core_feature() + fpu_feature() + system_feature() + "</target>\n";
    return text;
}

std::optional<std::string> read_register(cpu::Cpu& pe, std::size_t number)
{
    const cpu::State& state = pe.state();
    if (number < kPc)
        return digits_of(state.x.at(number));  // 31: the stack pointer in use
    if (number == kPc)
        return digits_of(state.pc);
    if (number == kCpsr)
        return digits_of(static_cast<std::uint32_t>(pe.pstate()));
    if (number < kFpsr)
        return digits_of(state.v.at(number - kV0));
    if (number == kFpsr)
        return digits_of(state.fpsr);
    if (number == kFpcr)
        return digits_of(state.fpcr);
    if (number - kSystem < kSystemRegisters.size())
        return digits_of(state.*kSystemRegisters.at(number - kSystem).value);
    return std::nullopt;
}

bool write_register(cpu::Cpu& pe, std::size_t number, std::string_view digits)
{
    cpu::State& state = pe.state();
    if (number < kPc)
        return parse(digits, state.x.at(number));
    if (number == kPc)
        return parse(digits, state.pc);
    if (number == kCpsr) {
        std::uint32_t cpsr = 0;
        if (!parse(digits, cpsr))
            return false;
        state.nzcv = cpsr & 0xf000'0000;
        pe.set_daif(cpsr & (cpu::kDaifD | cpu::kDaifA | cpu::kDaifI | cpu::kDaifF));
        return true;
    }
    if (number < kFpsr)
        return parse(digits, state.v.at(number - kV0));
    if (number == kFpsr && parse(digits, state.fpsr)) {
        state.fpsr &= cpu::kFpsrWritable;
        return true;
    }
    if (number == kFpcr && parse(digits, state.fpcr)) {
        state.fpcr &= cpu::kFpcrWritable;
        return true;
    }
    return false;
}

std::string read_registers(cpu::Cpu& pe)
{
    std::string all;
    for (std::size_t number = 0; number < kSystem; ++number)
        all += *read_register(pe, number);
    return all;
}

bool write_registers(cpu::Cpu& pe, std::string_view digits)
{
    std::size_t length = 0;
    for (std::size_t number = 0; number < kSystem; ++number)
        length += 2 * size_of(number);
    if (digits.size() != length || !from_hex(digits))
        return false;
    for (std::size_t number = 0; number < kSystem; ++number) {
        (void)write_register(pe, number, digits.substr(0, 2 * size_of(number)));
        digits.remove_prefix(2 * size_of(number));
    }
    return true;
}

}  // namespace gh::gdb
