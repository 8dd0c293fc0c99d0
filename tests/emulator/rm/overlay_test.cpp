// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/dts.h"
#include "rm_fixture.h"

#include <string>

#include <doctest/doctest.h>

using namespace gh::rm;
using namespace gh::test;

namespace {

/// What dtc calls the tree in the guest's memory, from `from` up to `to`, without the seed.
std::string patched(const RmFixture& vmm)
{
    std::string text = gh::fdt::to_dts(vmm.guest_tree());
    if (const auto seed = text.find("\t\tkaslr-seed"); seed != std::string::npos)
        text.erase(seed, text.find('\n', seed) + 1 - seed);
    return text;
}

bool contains(const std::string& text, const std::string& part)
{
    INFO(text);
    return text.find(part) != std::string::npos;
}

constexpr const char* kHypervisor = R"(	hypervisor {
		compatible = "gunyah-hypervisor", "qcom,gunyah-hypervisor-1.0", "qcom,gunyah-hypervisor", "simple-bus";
		#size-cells = <0x0>;
		#address-cells = <0x2>;

		bell-4@1 {
			label = <0x4>;
			qcom,label = <0x4>;
			interrupts = <0x0 0x4 0x4>;
			reg = <0x0 0x1>;
			compatible = "qcom,gunyah-doorbell", "qcom,gunyah-capability";
		};

		bell-0@0 {
			label = <0x0>;
			qcom,label = <0x0>;
			interrupts = <0x0 0x0 0x1>;
			reg = <0x0 0x0>;
			compatible = "qcom,gunyah-doorbell", "qcom,gunyah-capability";
		};

		qcom,gunyah-vm {
			qcom,image-name = "probe-vm";
			qcom,vendor = "Qualcomm";
			qcom,owner-vmid = <0x3>;
			qcom,vmid = <0x80>;
			compatible = "qcom,gunyah-vm-id-1.0", "qcom,gunyah-vm-id";
		};
	};

	vsoc {
		compatible = "simple-bus";
		ranges;
		#size-cells = <0x2>;
		#address-cells = <0x2>;
	};

	reserved-memory {
		ranges;
		#size-cells = <0x2>;
		#address-cells = <0x2>;
	};

	chosen {
)";

}  // namespace

TEST_CASE_FIXTURE(RmFixture,
                  "the patched tree begins as the real one was seen to begin, and ends as it was")
{
    gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), 4)
        .set_cells("interrupts", {0, 4, 4});
    REQUIRE(start_with(tree) == Error::Ok);
    const std::string before = gh::fdt::to_dts(gh::fdt::flatten(tree));
    std::string expected = before;
    expected.replace(expected.find("\tchosen {\n"), std::string("\tchosen {\n").size(),
                     kHypervisor);
    CHECK(patched(*this) == expected);
}

TEST_CASE_FIXTURE(RmFixture,
                  "a tree with one doorbell grows by 707 bytes, as it did on the real one")
{
    REQUIRE(start_with(tree) == Error::Ok);
    const auto view = gh::fdt::View::open(guest_tree());
    REQUIRE(view);
    CHECK(view->blob().size() - gh::fdt::flatten(tree).size() == 707);
}

TEST_CASE_FIXTURE(RmFixture, "the seed is new for every VM and replaces the owner's")
{
    tree.child("chosen").set_u64("kaslr-seed", 1);
    const auto seed = [this] {
        const auto view = gh::fdt::View::open(guest_tree());
        return view->u64(*view->find("/chosen"), "kaslr-seed").value_or(0);
    };
    REQUIRE(start_with(tree) == Error::Ok);
    const auto first = seed();
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(first > 1);
    CHECK(seed() != first);
}

TEST_CASE_FIXTURE(
    RmFixture, "/memory says what was accepted, sorted, neighbours joined, whatever it said before")
{
    tree.child("memory").set_u64s("reg", {0xc000'0000, 0x4000'0000});
    parcels.push_back({gh::Gpa{0x8080'0000}, 0x1000, 0, kAllRights, true});
    parcels.push_back({gh::Gpa{0x4020'0000}, 0x20'0000, 0, kAllRights, true});
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this),
                   "reg = <0x0 0x40200000 0x0 0x200000 0x0 0x80000000 0x0 0x801000>;"));
}

TEST_CASE_FIXTURE(RmFixture, "a memory node is made, or typed, where there is none that is so")
{
    auto none = tree;
    none.remove_child("memory");
    REQUIRE(start_with(none) == Error::Ok);
    CHECK(contains(patched(*this),
                   "\tmemory {\n\t\treg = <0x0 0x80000000 0x0 0x800000>;\n"
                   "\t\tdevice_type = \"memory\";\n\t};\n\n\treserved-memory {\n"));
    none.child("memory@80000000").set_u64s("reg", {0x8000'0000, 0x80'0000});
    REQUIRE(start_with(none) == Error::Ok);
    CHECK(contains(patched(*this), "\tmemory@80000000 {\n\t\tdevice_type = \"memory\";\n"));
}

TEST_CASE_FIXTURE(RmFixture, "a GIC without reg gets the Resource Manager's addresses")
{
    tree.child("intc@3fff0000").remove("reg");
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this),
                   "\tintc@3fff0000 {\n"
                   "\t\treg = <0x0 0x40010000 0x0 0x10000 0x0 0x40020000 0x0 0x20000>;\n"
                   "\t\tredistributor-stride = <0x0 0x20000>;\n"
                   "\t\t#redistributor-regions = <0x1>;\n"));
    CHECK(hypervisor().config.gic.distributor == gh::Gpa{0x4001'0000});
}

TEST_CASE_FIXTURE(RmFixture, "a tree of one-cell addresses is patched in one-cell addresses")
{
    tree.set_u32("#address-cells", 1).set_u32("#size-cells", 1);
    tree.child("intc@3fff0000").set_cells("reg", {0x3fff'0000, 0x1'0000, 0x3ff0'0000, 0x4'0000});
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), "\t\treg = <0x80000000 0x800000>;\n"));
    CHECK(contains(patched(*this), "\t\t#size-cells = <0x1>;\n\t\t#address-cells = <0x1>;\n"));
    parcels.push_back({gh::Gpa{0x1'0000'0000}, 0x1000, 0, kAllRights, true});
    CHECK(start_with(tree) == Error::NoResource);
}

TEST_CASE_FIXTURE(RmFixture, "shared memory with a shm node gets a buffer that both nodes refer to")
{
    auto& vdevices = tree.child("gunyah-vm-config").child("vdevices");
    gh::fdt::add_shm(vdevices, 0x9000'0000).set_flag("optional");
    vdevices.child("shm-1").set_text("generate", "/hypervisor/shm");
    parcels.push_back({gh::Gpa{0x9000'0000}, 0x20'0000, 1, kAllRights, false});
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), R"(		shm {
			dma_base = <0x0 0x0>;
			label = <0x1>;
			qcom,label = <0x1>;
			peer = <0x3>;
			memory-region = <0x2>;
			buffer = <0x2>;
			compatible = "qcom,shared-memory";
		};
)"));
    CHECK(contains(patched(*this), R"(		buffer@90000000 {
			qcom,label = <0x1>;
			phandle = <0x2>;
			qcom,rm-mem-handle = <0x81>;
			peers = <0x3 0x80 0x3>;
			no-map;
			qcom,shared-memory;
			reg = <0x0 0x90000000 0x0 0x200000>;
		};
)"));
}

TEST_CASE_FIXTURE(RmFixture, "an optional shm without memory has a node that names no buffer")
{
    auto& vdevices = tree.child("gunyah-vm-config").child("vdevices");
    gh::fdt::add_shm(vdevices, 0x9000'0000).set_flag("optional");
    vdevices.child("shm-1").set_text("generate", "/hypervisor/shm");
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), R"(		shm {
			dma_base = <0x0 0x0>;
			label = <0x1>;
			qcom,label = <0x1>;
			peer = <0x3>;
			compatible = "qcom,shared-memory";
		};
)"));
}

TEST_CASE_FIXTURE(
    RmFixture,
    "the owner's own reserved-memory node of a parcel is completed instead, its phandle kept")
{
    auto& pool =
        tree.child("reserved-memory").set_u32("#address-cells", 2).child("swiotlb@90000000");
    pool.set_u64s("reg", {0x9000'0000, 0x20'0000}).set_u32("phandle", 9);
    parcels.push_back({gh::Gpa{0x9000'0000}, 0x20'0000, 5, kRead | kWrite, false});
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), "\t\tswiotlb@90000000 {\n\t\t\tqcom,rm-mem-handle = <0x81>;\n"));
    CHECK(contains(patched(*this), "\t\t\tphandle = <0x9>;\n"));
    CHECK_FALSE(contains(patched(*this), "buffer@"));
}

TEST_CASE_FIXTURE(RmFixture, "a uri and a guid appear in the VM's own node")
{
    tree.child("gunyah-vm-config")
        .set_text("vm-uri", "vmuid/probe")
        .set_text("vm-guid", "12345678-1234-1234-1234-123456789abc");
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this),
                   "qcom,vm-guid = \"12345678-1234-1234-1234-123456789abc\";\n"
                   "\t\t\tqcom,vm-uri = \"vmuid/probe\";\n"));
}

TEST_CASE_FIXTURE(RmFixture, "memory reservations of the tree stay")
{
    REQUIRE(start_with_blob(gh::fdt::flatten(tree, {{0x8010'0000, 0x1000}})) == Error::Ok);
    const auto reservations = gh::fdt::View::open(guest_tree())->reservations();
    REQUIRE(reservations.size() == 1);
    CHECK(reservations[0].address == 0x8010'0000);
}

namespace {

gh::fdt::Node& add_vdevice(RmFixture& vmm, const char* name, const char* type)
{
    return vmm.tree.child("gunyah-vm-config")
        .child("vdevices")
        .child(name)
        .set_text("vdevice-type", type)
        .set_text("generate", std::string("/hypervisor/") + name)
        .set_flag("peer-default");
}

}  // namespace

TEST_CASE_FIXTURE(RmFixture, "1.8 queues of both kinds have nodes behind the doorbells (inferred)")
{
    add_vdevice(*this, "pair", "message-queue-pair")
        .set_u32("message-size", 64)
        .set_cells("interrupts", {0, 5, 1, 0, 6, 4});
    add_vdevice(*this, "in", "message-queue").set_flag("is-receiver").set_u32("queue-depth", 2);
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), R"(		pair@3 {
			label = <0x0>;
			qcom,label = <0x0>;
			qcom,vdevice-handle = <0x2>;
			qcom,rx-queue-depth = <0x8>;
			qcom,tx-queue-depth = <0x8>;
			qcom,rx-message-size = <0x40>;
			qcom,tx-message-size = <0x40>;
			qcom,is-full-duplex;
			qcom,free-irq-start = <0x0>;
			interrupts = <0x0 0x5 0x1 0x0 0x6 0x4>;
			reg = <0x0 0x2 0x0 0x3>;
			compatible = "qcom,gunyah-message-queue", "qcom,gunyah-capability";
		};

		in@1 {
			label = <0x0>;
			qcom,label = <0x0>;
			interrupts = <0x0 0x3a0 0x1>;
			tx_queue_depth = <0x2>;
			tx_message_size = <0xf0>;
			is-receiver;
			reg = <0x0 0x1>;
			compatible = "qcom,gunyah-message-queue", "qcom,gunyah-capability";
		};

		bell-0@0 {
)"));
    const auto& config = hypervisor().config;
    REQUIRE(config.capabilities.size() == 4);
    REQUIRE(config.message_queues.size() == 3);
    CHECK(config.message_queues[0].depth == 2);
    CHECK(config.message_queues[1].guest_sends);
    CHECK(config.message_queues[1].intid == 37);
    CHECK(config.message_queues[2].message_size == 64);
    CHECK(config.message_queues[2].intid == 38);
    CHECK(config.capabilities[3].rights == gh::hyp::kQueueReceive);
    CHECK(config.capabilities[3].index == 2);
    CHECK_FALSE(config.on_message);
}

TEST_CASE_FIXTURE(RmFixture,
                  "1.8 without PSCI every CPU that exists has its capability, first of all")
{
    tree.remove_child("psci");
    auto& cpus = tree.child("cpus");
    for (const unsigned n : {1u, 2u})
        gh::fdt::add_cpu(tree, n);
    for (const char* name : {"cpu@0", "cpu@1", "cpu@2"}) {
        cpus.child(name).remove("cpu-idle-states");
        cpus.child(name).set_text("enable-method", "qcom,gunyah-hvc");
    }
    cpus.child("cpu@1").set_text("status", "fail");
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(contains(patched(*this), "cpu@0 {\n\t\t\tqcom,gunyah-capability = <0x0 0x0>;\n"));
    CHECK(contains(patched(*this), "cpu@2 {\n\t\t\tqcom,gunyah-capability = <0x0 0x1>;\n"));
    CHECK(contains(patched(*this), "bell-0@2 {"));
    CHECK_FALSE(hypervisor().config.psci);
    REQUIRE(hypervisor().config.capabilities.size() == 3);
    CHECK(hypervisor().config.capabilities[1].object == gh::hyp::ObjectType::Thread);
    CHECK(hypervisor().config.capabilities[1].rights == gh::hyp::kThreadPower);
}

TEST_CASE_FIXTURE(RmFixture, "1.6 doorbell-source: the host's driver gets nothing to ring")
{
    add_vdevice(*this, "bs", "doorbell-source").set_u32("label", 9).set_flag("source-can-clear");
    REQUIRE(start_with(tree) == Error::Ok);
    for (const Resource& resource : vm->resources())
        CHECK(resource.label != 9);
    CHECK(hypervisor().config.doorbells[1].intid == 0);
    CHECK(hypervisor().config.capabilities[1].rights ==
          (gh::hyp::kDoorbellSend | gh::hyp::kDoorbellReceive));
}
