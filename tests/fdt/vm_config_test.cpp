// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/vm_config.h"

#include "probe_tree.h"

#include <functional>

#include <doctest/doctest.h>

using namespace gh::fdt;

namespace {

constexpr std::uint64_t kRegion = 0x20'0000;

struct Answer {
    std::string start;  // "0" or the errno of START
    std::string rule;   // of the finding that decided, or of the first oddity
};

std::vector<Parcel> usual_parcels()
{
    return {{0, 0x80'0000, true, true}};
}

Answer answer(Bytes blob, const std::vector<Parcel>& parcels = usual_parcels(),
              const Platform& platform = {2, kRegion})
{
    const auto tree = read_vm_config(blob, platform);
    const auto layout = place_parcels(tree, parcels);
    const Finding* refusal = tree.refusal() != nullptr ? tree.refusal() : layout.refusal();
    if (refusal != nullptr)
        return {errno_name(refusal->error), refusal->rule};
    const auto& odd = tree.findings.empty() ? layout.findings : tree.findings;
    return {"0", odd.empty() ? "" : odd.front().rule};
}

Answer answer_to(const std::function<void(Node&)>& change)
{
    Node root = probe_tree();
    change(root);
    return answer(flatten(root));
}

/// One row of the observed table: what is changed, what START answered, and our name for the rule.
struct Row {
    const char* id;
    std::function<void(Node&)> change;
    const char* start;
    const char* rule;
};

void check_rows(std::initializer_list<Row> rows)
{
    for (const auto& row : rows) {
        CAPTURE(row.id);
        const Answer got = answer_to(row.change);
        CHECK(got.start == row.start);
        CHECK(got.rule == row.rule);
    }
}

Node& config(Node& root)
{
    return root.child("gunyah-vm-config");
}
Node& memory(Node& root)
{
    return config(root).child("memory");
}
Node& gic(Node& root)
{
    return root.child("intc@3fff0000");
}
Node& cpu(Node& root, const char* name = "cpu@0")
{
    return root.child("cpus").child(name);
}
Node& vcpus(Node& root)
{
    return config(root).child("vcpus");
}
Node& vdevices(Node& root)
{
    return config(root).child("vdevices");
}
Node& bell(Node& root)
{
    return vdevices(root).child("bell-0");
}

void set_gic(Node& root, std::uint64_t gicd, std::uint64_t gicr)
{
    gic(root).set_u64s("reg", {gicd, 0x1'0000, gicr, 0x4'0000});
}

void second_cpu(Node& root, const char* property, const char* value)
{
    add_cpu(root, 1);
    cpu(root, "cpu@1").set_text(property, value);
}

}  // namespace

TEST_CASE("the good tree is read as it is meant")
{
    const auto blob = flatten(probe_tree());
    const auto tree = read_vm_config(blob);
    CHECK(tree.findings.empty());
    CHECK(tree.image_name == "probe-vm");
    CHECK(tree.base_address == 0x8000'0000);
    CHECK(tree.proxy);
    CHECK(tree.psci);
    REQUIRE(tree.cpus.size() == 1);
    CHECK(tree.cpus[0].mpidr == 0x8000'0000);
    CHECK(tree.cpus[0].status == CpuNode::Status::Boots);
    CHECK(tree.gic.distributor == 0x3fff'0000);
    CHECK(tree.gic.redistributors == 0x3ff0'0000);
    REQUIRE(tree.doorbells.size() == 1);
    CHECK(tree.doorbells[0].interrupt.intid == 32);
    CHECK(tree.doorbells[0].source_can_clear);
    CHECK_FALSE(tree.doorbells[0].interrupt.level);
    CHECK(tree.doorbells[0].generate == "/hypervisor/bell-0");
    CHECK(answer(blob).start == "0");
}

TEST_CASE("/gunyah-vm-config is judged as the Resource Manager does")
{
    check_rows({
        {"name-missing", [](Node& r) { config(r).remove("image-name"); }, "EINVAL", "image-name"},
        {"name-empty", [](Node& r) { config(r).set_text("image-name", ""); }, "0", ""},
        {"name-79", [](Node& r) { config(r).set_text("image-name", std::string(79, 'n')); }, "0",
         ""},
        {"name-80", [](Node& r) { config(r).set_text("image-name", std::string(80, 'n')); },
         "EINVAL", "image-name"},
        {"os-missing", [](Node& r) { config(r).remove("os-type"); }, "0", ""},
        {"os-unknown", [](Node& r) { config(r).set_text("os-type", "plan9"); }, "0", "os-type"},
        {"guid-ok",
         [](Node& r) { config(r).set_text("vm-guid", "01234567-89ab-cdef-0123-456789abcdef"); },
         "0", ""},
        {"guid-bad", [](Node& r) { config(r).set_text("vm-guid", "1234"); }, "EINVAL", "vm-guid"},
        {"cfg-missing", [](Node& r) { r.remove_child("gunyah-vm-config"); }, "ENODEV", "vcpus"},
        {"cells-none",
         [](Node& r) {
             config(r).remove("#address-cells");
             config(r).remove("#size-cells");
         },
         "0", "config-cells"},
        {"attr-nopatch", [](Node& r) { config(r).set_text("vm-attrs", "no-dtb-patch"); }, "0",
         "vm-attrs"},
        {"attr-crash", [](Node& r) { config(r).set_text("vm-attrs", "crash-fatal"); }, "EINVAL",
         "vm-attrs"},
        {"attr-noshutdown", [](Node& r) { config(r).set_text("vm-attrs", "no-shutdown"); },
         "EINVAL", "vm-attrs"},
        {"iomem", [](Node& r) { config(r).set_u64("iomemory-ranges", 0x900'0000); }, "ENODEV",
         "iomemory-ranges"},
        {"irqranges",
         [](Node& r) {
             config(r).set_cells("gic-irq-ranges", {32, 32});
         },
         "ENODEV", "gic-irq-ranges"},
        {"vmmio-ranges",
         [](Node& r) {
             config(r).set_u64s("vmmio-ranges", {0x5000'0000, 0x1000});
         },
         "0", ""},
    });
}

TEST_CASE("base-address and sizes are judged as the Resource Manager does")
{
    const auto base = [](std::uint64_t at) {
        return [at](Node& r) { memory(r).set_u64("base-address", at); };
    };
    const auto size = [](const char* name, std::uint32_t value) {
        return [=](Node& r) { memory(r).set_u32(name, value); };
    };
    check_rows({
        {"base-absent", [](Node& r) { memory(r).remove("base-address"); }, "ENODEV",
         "base-address"},
        {"base-unaligned", base(0x8000'0800), "EINVAL", "base-address"},
        {"base-4k", base(0x8000'1000), "0", "base-address"},
        {"base-0", base(0), "ENODEV", "base-address"},
        {"base-1g", base(0x4000'0000), "ENODEV", "base-address"},
        {"base-low", base(0x1000'0000), "ENODEV", "base-address"},
        {"base-high", base(0x8'0000'0000), "0", ""},
        {"base-2e36", base(std::uint64_t{1} << 36), "EINVAL", "address-limits"},
        {"base-top", base((std::uint64_t{1} << 36) - 0x80'0000), "0", ""},
        {"base-1cell", [](Node& r) { memory(r).set_u32("base-address", 0x8000'0000); }, "ENODEV",
         "base-address"},
        {"size-max-ok", [](Node& r) { memory(r).set_u64("size-max", 0x80'0000); }, "0", "size-max"},
        {"size-max-u32-small", size("size-max", 0x40'0000), "0", "size-max"},
        {"size-max-u32-unaligned", size("size-max", 0x80'0100), "EINVAL", "size-max"},
        {"size-min-u32-over", size("size-min", 0x100'0000), "0", ""},
        {"size-min-u32-gt-max",
         [](Node& r) { memory(r).set_u32("size-min", 0x100'0000).set_u32("size-max", 0x80'0000); },
         "EINVAL", "address-limits"},
        {"fw-address", [](Node& r) { memory(r).set_u64("firmware-address", 0x7fc0'0000); }, "0",
         "firmware-address"},
        {"is-direct", [](Node& r) { memory(r).set_flag("is-direct"); }, "EINVAL", "is-direct"},
        {"cfgmem-missing", [](Node& r) { config(r).remove_child("memory"); }, "ENODEV",
         "base-address"},
    });
}

TEST_CASE("the nodes around it are judged as the Resource Manager does")
{
    check_rows({
        {"no-chosen", [](Node& r) { r.remove_child("chosen"); }, "ENODEV", "chosen"},
        {"hypervisor", [](Node& r) { r.child("hypervisor"); }, "ENODEV", "hypervisor"},
        {"memory-at", [](Node& r) { r.child("memory@80000000").set_text("device_type", "memory"); },
         "EINVAL", "memory-name"},
        {"memory-at-untyped",
         [](Node& r) {
             r.remove_child("memory");
             r.child("memory@80000000").set_u64s("reg", {0x8000'0000, 0x80'0000});
         },
         "0", ""},
        {"memory-none", [](Node& r) { r.remove_child("memory"); }, "0", ""},
        {"memory-nested",
         [](Node& r) { r.child("x").child("memory").set_text("device_type", "memory"); }, "EINVAL",
         "memory-name"},
        {"vsoc", [](Node& r) { r.child("vsoc"); }, "0", ""},
        {"resv-empty", [](Node& r) { r.child("reserved-memory"); }, "0", ""},
        {"resv-size",
         [](Node& r) { r.child("reserved-memory").child("cma").set_u64("size", 0x10'0000); }, "0",
         ""},
        {"resv-reg",
         [](Node& r) {
             r.child("reserved-memory").child("b@80400000").set_u64s("reg", {0x8040'0000, 0x1000});
         },
         "ENODEV", "reserved-memory"},
    });
}

TEST_CASE("the interrupt controller is judged as the Resource Manager does")
{
    const auto cfg_irq = [](Node& r) -> Node& { return config(r).child("interrupts"); };
    check_rows({
        {"gic-none",
         [&](Node& r) {
             r.remove("interrupt-parent");
             cfg_irq(r).remove("config");
             r.remove_child("intc@3fff0000");
         },
         "EINVAL", "gic-config"},
        {"gic-cfg-absent", [&](Node& r) { cfg_irq(r).remove("config"); }, "0", ""},
        {"gic-cfgnode-absent", [](Node& r) { config(r).remove_child("interrupts"); }, "0", ""},
        {"gic-noparent", [](Node& r) { r.remove("interrupt-parent"); }, "0", ""},
        {"gic-badphandle", [&](Node& r) { cfg_irq(r).set_u32("config", 77); }, "EINVAL",
         "gic-config"},
        {"gic-wrongphandle",
         [&](Node& r) {
             r.child("cpus").set_u32("phandle", 9);
             cfg_irq(r).set_u32("config", 9);
         },
         "EINVAL", "gic-compatible"},
        {"gic-path", [&](Node& r) { cfg_irq(r).set_text("config", "/intc@3fff0000"); }, "0", ""},
        {"gic-badpath", [&](Node& r) { cfg_irq(r).set_text("config", "/nosuch"); }, "EINVAL",
         "gic-config"},
        {"gic-noreg", [](Node& r) { gic(r).remove("reg"); }, "0", "gic-reg"},
        {"gic-reg1",
         [](Node& r) {
             gic(r).set_u64s("reg", {0x3fff'0000, 0x1'0000});
         },
         "EINVAL", "gic-reg"},
        {"gic-nocontroller", [](Node& r) { gic(r).remove("interrupt-controller"); }, "EINVAL",
         "gic-controller"},
        {"gic-cells2", [](Node& r) { gic(r).set_u32("#interrupt-cells", 2); }, "EINVAL",
         "gic-cells"},
        {"gic-v2", [](Node& r) { gic(r).set_text("compatible", "arm,gic-400"); }, "EINVAL",
         "gic-compatible"},
        {"gic-regions2", [](Node& r) { gic(r).set_u32("#redistributor-regions", 2); }, "EINVAL",
         "gic-regions"},
        {"gic-stride", [](Node& r) { gic(r).set_u64("redistributor-stride", 0x3'0000); }, "0", ""},
        {"gic-stride-bad", [](Node& r) { gic(r).set_u64("redistributor-stride", 0x1'8000); },
         "EINVAL", "gic-stride"},
        {"gic-stride-u32", [](Node& r) { gic(r).set_u32("redistributor-stride", 0x3'0000); }, "0",
         "gic-stride"},
        {"gic-unaligned", [](Node& r) { set_gic(r, 0x3fff'0000, 0x3ff0'8000); }, "ENODEV",
         "gic-alignment"},
        {"gic-inram", [](Node& r) { set_gic(r, 0x8010'0000, 0x8020'0000); }, "ENODEV",
         "base-address"},
        {"gic-above", [](Node& r) { set_gic(r, 0x7000'0000, 0x7010'0000); }, "0", ""},
        {"gic-overlap", [](Node& r) { set_gic(r, 0x3fff'0000, 0x3ffe'0000 + 0x1'0000); }, "ENODEV",
         "gic-overlap"},
    });
}

TEST_CASE("CPUs and scheduling are judged as the Resource Manager does")
{
    check_rows({
        {"cpus2", [](Node& r) { add_cpu(r, 1); }, "0", ""},
        {"cpus2-noem",
         [](Node& r) {
             add_cpu(r, 1);
             cpu(r, "cpu@1").remove("enable-method");
         },
         "EINVAL", "enable-method"},
        {"cpus2-emcpus",
         [](Node& r) {
             add_cpu(r, 1);
             cpu(r, "cpu@1").remove("enable-method");
             r.child("cpus").set_text("enable-method", "psci");
         },
         "0", ""},
        {"cpus2-spin", [](Node& r) { second_cpu(r, "enable-method", "spin-table"); }, "EINVAL",
         "enable-method"},
        {"cpus2-gunyah", [](Node& r) { second_cpu(r, "enable-method", "qcom,gunyah-hvc"); }, "0",
         ""},
        {"cpus2-okay", [](Node& r) { second_cpu(r, "status", "okay"); }, "0", "cpu-status"},
        {"cpus2-disabled", [](Node& r) { second_cpu(r, "status", "disabled"); }, "0", ""},
        {"cpus2-fail", [](Node& r) { second_cpu(r, "status", "fail"); }, "0", ""},
        {"cpus2-bogus", [](Node& r) { second_cpu(r, "status", "bogus"); }, "EINVAL", "cpu-status"},
        {"cpu0-disabled", [](Node& r) { cpu(r).set_text("status", "disabled"); }, "EINVAL",
         "boot-cpu"},
        {"cpu0-fail", [](Node& r) { cpu(r).set_text("status", "fail"); }, "EINVAL", "boot-cpu"},
        {"cpu-noreg", [](Node& r) { cpu(r).remove("reg"); }, "0", "cpu-reg"},
        {"cpu-reg5", [](Node& r) { cpu(r).set_u32("reg", 5); }, "0", "cpu-reg"},
        {"cpu-notype", [](Node& r) { cpu(r).remove("device_type"); }, "EINVAL", "boot-cpu"},
        {"cpus-none", [](Node& r) { r.remove_child("cpus"); }, "EINVAL", "cpus"},
        {"cpus-empty", [](Node& r) { r.child("cpus").remove_child("cpu@0"); }, "EINVAL",
         "boot-cpu"},
        {"cpus3",
         [](Node& r) {
             add_cpu(r, 1);
             add_cpu(r, 2);
         },
         "ENODEV", "cpu-count"},
        {"vcpus-none", [](Node& r) { config(r).remove_child("vcpus"); }, "ENODEV", "vcpus"},
        {"aff-absent", [](Node& r) { vcpus(r).remove("affinity"); }, "EINVAL", "affinity"},
        {"aff-bogus", [](Node& r) { vcpus(r).set_text("affinity", "bogus"); }, "EINVAL",
         "affinity"},
        {"aff-static-ok",
         [](Node& r) {
             vcpus(r).set_text("affinity", "static").set_u32("affinity-map", 0);
             vcpus(r).set_u32("sched-priority", ~0u).set_u32("sched-timeslice", 2000);
         },
         "0", "affinity"},
        {"aff-static-len",
         [](Node& r) {
             vcpus(r).set_text("affinity", "static").set_cells("affinity-map", {0, 1});
         },
         "EINVAL", "affinity"},
        {"aff-static-prio",
         [](Node& r) {
             vcpus(r).set_text("affinity", "static").set_u32("affinity-map", 0);
             vcpus(r).set_u32("sched-timeslice", 2000);
         },
         "ENODEV", "affinity"},
        {"aff-static-slice",
         [](Node& r) {
             vcpus(r).set_text("affinity", "static").set_u32("affinity-map", 0);
             vcpus(r).set_u32("sched-priority", ~0u).set_u32("sched-timeslice", 50);
         },
         "ENODEV", "affinity"},
        {"vcpus-config", [](Node& r) { vcpus(r).set_text("config", "/cpus"); }, "0", ""},
        {"vcpus-badconfig", [](Node& r) { vcpus(r).set_text("config", "/nosuch"); }, "EINVAL",
         "cpus"},
    });
}

TEST_CASE("PSCI is on for idle states, a psci node or a secondary with psci, not else")
{
    const auto psci_of = [](const std::function<void(Node&)>& change) {
        Node root = probe_tree();
        cpu(root).remove("enable-method");
        cpu(root).remove("cpu-idle-states");
        root.remove_child("psci");
        change(root);
        return read_vm_config(flatten(root)).psci;
    };
    CHECK_FALSE(psci_of([](Node&) {}));
    CHECK(psci_of([](Node& r) { cpu(r).set_flag("cpu-idle-states"); }));
    CHECK_FALSE(psci_of([](Node& r) { cpu(r).set_text("enable-method", "psci"); }));
    CHECK(psci_of([](Node& r) { r.child("psci").set_text("compatible", "arm,psci-0.2"); }));
    CHECK_FALSE(psci_of([](Node& r) { r.child("psci").set_text("compatible", "arm,psci"); }));
}

/// A vdevice of that type, for the owner.
Node& add_vdevice(Node& root, const char* name, const char* type)
{
    return vdevices(root)
        .child(name)
        .set_text("vdevice-type", type)
        .set_text("generate", std::string("/hypervisor/") + name)
        .set_flag("peer-default");
}

Node& add_rpc(Node& root)
{
    return add_vdevice(root, "rm", "rm-rpc");
}

TEST_CASE("doorbells are judged as the Resource Manager does")
{
    const auto irq = [](const std::vector<std::uint32_t>& triple) {
        return [=](Node& r) { bell(r).set_cells("interrupts", triple); };
    };
    check_rows({
        {"bell-noirq", [](Node& r) { bell(r).remove("interrupts"); }, "0", "vdevice-interrupt"},
        {"bell-type9", irq({9, 0, 1}), "0", "vdevice-interrupt"},
        {"bell-num", irq({0, 2000, 1}), "0", "vdevice-interrupt"},
        {"bell-2cells", irq({0, 0}), "0", "vdevice-interrupt"},
        {"bell-trigger0", irq({0, 0, 0}), "0", "vdevice-interrupt"},
        {"bell-level", irq({0, 0, 4}), "0", ""},
        {"bell-ppi", irq({1, 5, 1}), "ENODEV", "vdevice-interrupt"},
        {"bell-timerppi", irq({1, 11, 1}), "ENODEV", "vdevice-interrupt"},
        {"bell-duplabel", [](Node& r) { add_bell(vdevices(r), 1).set_u32("label", 0); }, "0",
         "doorbell-label"},
        {"bell-dupirq",
         [](Node& r) {
             add_bell(vdevices(r), 1).set_cells("interrupts", {0, 0, 1});
         },
         "ENODEV", "vdevice-interrupt"},
        {"bell-nopeer", [](Node& r) { bell(r).remove("peer-default"); }, "EINVAL", "vdevice-peer"},
        {"bell-badpeer",
         [](Node& r) {
             bell(r).remove("peer-default");
             bell(r).set_text("peer", "vm-name:nobody");
         },
         "0", "vdevice-peer"},
        {"bell-nolabel", [](Node& r) { bell(r).remove("label"); }, "0", "doorbell-label"},
        {"bell-nogen", [](Node& r) { bell(r).remove("generate"); }, "0", "doorbell-generate"},
        {"bell-noclear", [](Node& r) { bell(r).remove("source-can-clear"); }, "0", ""},
        {"bell-elsewhere", [](Node& r) { add_bell(config(r), 1); }, "0", ""},
        {"vdev-unknown", [](Node& r) { vdevices(r).child("x").set_text("vdevice-type", "x"); }, "0",
         "vdevice-type"},
        {"vdev-none", [](Node& r) { config(r).remove_child("vdevices"); }, "0", ""},
        {"vdev-rpc", [](Node& r) { add_rpc(r); }, "0", ""},
        {"vdev-bellsource",
         [](Node& r) {
             vdevices(r)
                 .child("bs")
                 .set_text("vdevice-type", "doorbell-source")
                 .set_text("generate", "/hypervisor/bs")
                 .set_flag("peer-default")
                 .set_u32("label", 9);
         },
         "0", ""},
        {"vdev-msgq",
         [](Node& r) {
             vdevices(r)
                 .child("x")
                 .set_text("vdevice-type", "message-queue")
                 .set_flag("peer-default");
         },
         "EINVAL", "message-queue"},
        {"vdev-rtc", [](Node& r) { vdevices(r).child("x").set_text("vdevice-type", "vrtc-pl031"); },
         "ENODEV", "vrtc"},
    });
}

TEST_CASE("a doorbell without a usable interrupt gets SPI 928 and up, edge")
{
    Node root = probe_tree();
    bell(root).remove("interrupts");
    add_bell(vdevices(root), 1).set_cells("interrupts", {0, 1, 0});
    const auto tree = read_vm_config(flatten(root));
    REQUIRE(tree.doorbells.size() == 2);
    CHECK(tree.doorbells[0].interrupt.intid == 32 + 928);
    CHECK(tree.doorbells[1].interrupt.intid == 32 + 929);
    CHECK_FALSE(tree.doorbells[1].interrupt.level);
}

TEST_CASE(
    "interrupts are claimed in the order in which the Resource Manager makes devices (inferred)")
{
    Node root = probe_tree();
    add_vdevice(root, "pair", "message-queue-pair");
    add_vdevice(root, "queue", "message-queue").set_flag("is-receiver");
    add_rpc(root);
    bell(root).remove("interrupts");
    const auto tree = read_vm_config(flatten(root));
    REQUIRE(tree.rpc);
    REQUIRE(tree.queues.size() == 2);
    CHECK(tree.rpc->not_full.intid == 32 + 928);
    CHECK(tree.rpc->not_empty.intid == 32 + 929);
    CHECK(tree.doorbells[0].interrupt.intid == 32 + 930);
    CHECK(tree.queues[0].generate == "/hypervisor/queue");
    CHECK(tree.queues[0].not_empty.intid == 32 + 931);
    CHECK(tree.queues[1].not_full.intid == 32 + 932);
    CHECK(tree.queues[1].not_empty.intid == 32 + 933);
    bell(root).set_cells("interrupts", {0, 928, 1});  // the link has taken it
    CHECK(answer(flatten(root)).start == "ENODEV");
}

TEST_CASE("message queues and the link to the Resource Manager are judged as it does (inferred)")
{
    check_rows({
        {"sender", [](Node& r) { add_vdevice(r, "q", "message-queue").set_flag("is-sender"); }, "0",
         ""},
        {"both ways",
         [](Node& r) {
             add_vdevice(r, "q", "message-queue").set_flag("is-sender").set_flag("is-receiver");
         },
         "EINVAL", "message-queue"},
        {"peer",
         [](Node& r) {
             auto& queue = add_vdevice(r, "q", "message-queue").set_flag("is-sender");
             queue.set_text("peer", "vm-name:x").remove("peer-default");
         },
         "EINVAL", "vdevice-peer"},
        {"two interrupts for one",
         [](Node& r) {
             add_vdevice(r, "q", "message-queue")
                 .set_flag("is-sender")
                 .set_cells("interrupts", {0, 5, 1, 0, 6, 1});
         },
         "0", "vdevice-interrupt"},
        {"PPI",
         [](Node& r) {
             add_vdevice(r, "q", "message-queue-pair").set_cells("interrupts", {0, 5, 1, 1, 6, 1});
         },
         "ENODEV", "vdevice-interrupt"},
        {"size 0",
         [](Node& r) { add_vdevice(r, "q", "message-queue-pair").set_u32("message-size", 0); },
         "ENODEV", "queue-size"},
        {"size 1024",
         [](Node& r) { add_vdevice(r, "q", "message-queue-pair").set_u32("message-size", 1024); },
         "ENODEV", "queue-size"},
        {"depth 255",
         [](Node& r) { add_vdevice(r, "q", "message-queue-pair").set_u32("queue-depth", 255); },
         "0", ""},
        {"depth 256",
         [](Node& r) { add_vdevice(r, "q", "message-queue-pair").set_u32("queue-depth", 256); },
         "ENODEV", "queue-size"},
        {"depth 65544 is 8",
         [](Node& r) { add_vdevice(r, "q", "message-queue-pair").set_u32("queue-depth", 65544); },
         "0", ""},
        {"two links",
         [](Node& r) {
             add_rpc(r);
             add_vdevice(r, "rm2", "rm-rpc");
         },
         "ENODEV", "rm-rpc"},
        {"a link without generate", [](Node& r) { add_rpc(r).remove("generate"); }, "ENODEV",
         "rm-rpc"},
        {"a link of short messages", [](Node& r) { add_rpc(r).set_u32("message-size", 239); },
         "ENODEV", "rm-rpc"},
        {"a link with four compatibles",
         [](Node& r) {
             add_rpc(r).set_texts("push-compatible", {"a", "b", "c", "d"});
         },
         "EINVAL", "rm-rpc"},
    });
}

TEST_CASE("103 doorbells fit into the overlay, the 104th does not")
{
    Node root = probe_tree();
    for (unsigned i = 1; i < 103; i++)
        add_bell(vdevices(root), i);
    CHECK(answer(flatten(root)).start == "0");
    add_bell(vdevices(root), 103);
    CHECK(answer(flatten(root)).rule == "overlay-size");
}

TEST_CASE("shm nodes are judged as the Resource Manager does")
{
    const auto with = [](std::uint64_t base, bool optional, bool given) {
        Node root = probe_tree();
        Node& shm = add_shm(vdevices(root), base);
        if (optional)
            shm.set_flag("optional");
        auto parcels = usual_parcels();
        if (given)
            parcels.push_back({1, 0x20'0000, false, false});
        return answer(flatten(root), parcels);
    };
    CHECK(with(0x9000'0000, false, false).rule == "shm-parcel");
    CHECK(with(0x9000'0000, false, false).start == "ENODEV");
    CHECK(with(0x9000'0000, true, false).start == "0");
    CHECK(with(0x9000'0000, true, true).start == "0");
    CHECK(with(0x9000'0800, true, true).start == "EINVAL");
    CHECK(with(0x2000'0000, true, true).start == "ENODEV");
    CHECK(with(0x8010'0000, true, true).rule == "shm-base");
    CHECK(answer_to([](Node& r) {
              add_shm(vdevices(r), 0x9000'0000);
              vdevices(r).child("shm-1").remove_child("memory");
          }).rule == "shm-memory");
}

TEST_CASE("a parcel without shm goes to the first free address, a second private one is denied")
{
    const auto blob = flatten(probe_tree());
    const auto tree = read_vm_config(blob);
    auto parcels = usual_parcels();
    parcels.push_back({1, 0x20'0000, false, true});
    CHECK(place_parcels(tree, parcels).at[1] == 0x4020'0000);
    CHECK(answer(blob, parcels).rule == "parcel-without-shm");
    parcels[0].label = 1;
    parcels[1].label = 0;
    CHECK(answer(blob, parcels).start == "EPERM");
}

TEST_CASE("reserved memory must be a parcel, by label or by exact range")
{
    const auto with = [](std::uint64_t base, bool labelled) {
        Node root = probe_tree();
        add_shm(vdevices(root), 0x9000'0000);
        Node& node = root.child("reserved-memory").child("b").set_u64s("reg", {base, 0x20'0000});
        if (labelled)
            node.set_u32("qcom,label", 1);
        auto parcels = usual_parcels();
        parcels.push_back({1, 0x20'0000, false, false});
        return answer(flatten(root), parcels).start;
    };
    CHECK(with(0x9000'0000, false) == "0");
    CHECK(with(0x9000'0000, true) == "0");
    CHECK(with(0xa000'0000, false) == "ENODEV");
}

TEST_CASE("the devicetree's region must hold the tree twice with its overlay")
{
    const auto with = [](std::uint32_t total, std::uint64_t region) {
        auto blob = flatten(probe_tree());
        blob.resize(std::max<std::size_t>(total, blob.size()));
        if (total != 0)
            for (unsigned i = 0; i < 4; i++)
                blob[4 + i] = static_cast<std::byte>(total >> (24 - 8 * i) & 0xff);
        return answer(blob, usual_parcels(), {2, region}).start;
    };
    CHECK(with(0, 0x1000) == "0");
    CHECK(with(0x8'0000, 0x20'0000) == "0");
    CHECK(with(0x10'0000, 0x20'0000) == "ENODEV");
    CHECK(with(0x4000, 0x5000) == "ENODEV");
    CHECK(with(0x4000, 0x9000) == "0");
    CHECK(with(0x30'0000, 0x20'0000) == "EINVAL");
}

TEST_CASE("blobs that are no devicetree are refused, whatever their bytes")
{
    const auto good = flatten(probe_tree());
    for (std::size_t size = 0; size < good.size(); size += 7)
        CHECK(answer(Bytes(good).first(size)).rule == "header");
    CHECK(answer(std::vector<std::byte>(4096)).start == "EINVAL");
    auto bad = good;
    std::fill(bad.begin() + 56, bad.begin() + 400, std::byte{0xa5});
    CHECK(answer(bad).start != "0");
}

TEST_CASE("nodes may be nested 15 deep; 17 kill the Resource Manager and are refused")
{
    const auto nested = [](unsigned depth) {
        Node root = probe_tree();
        Node* node = &root;
        for (unsigned i = 0; i < depth; i++)
            node = &node->child("x");
        return answer(flatten(root)).rule;
    };
    CHECK(nested(15).empty());
    CHECK(nested(17) == "depth");
}

TEST_CASE("a tree of many thousand nodes is read in one walk")
{
    Node root = probe_tree();
    for (int i = 0; i < 20'000; i++)
        root.child("x").add(Node("n" + std::to_string(i)));
    const auto blob = flatten(root);
    CHECK(read_vm_config(blob).findings.empty());
}

TEST_CASE("what is said of a tree has an end, however much is wrong with it")
{
    Node root = probe_tree();
    for (unsigned i = 0; i < 3000; i++)
        add_bell(vdevices(root), i).set_u32("label", 1);
    const auto read = read_vm_config(flatten(root));
    CHECK(read.refusal() != nullptr);
    CHECK(read.doorbells.size() < 300);
    CHECK(read.findings.size() < 1500);
}
