// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using nlohmann::json;

TEST_CASE("the schema is JSON of the draft it names")
{
    const json schema = json::parse(gh::config::schema());
    CHECK(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema");
    CHECK(schema["required"] == json{"kernel"});
    CHECK(schema["additionalProperties"] == false);
}

TEST_CASE("short and long forms are both in the schema")
{
    const json schema = json::parse(gh::config::schema());
    const json& cpus = schema["properties"]["cpus"]["anyOf"];
    CHECK(cpus[0]["type"] == "integer");
    CHECK(cpus[0]["maximum"] == 8);
    CHECK(cpus[1]["properties"]["count"]["default"] == 1);
}

TEST_CASE("defaults in the schema are those of the structs")
{
    const json schema = json::parse(gh::config::schema());
    const json& memory = schema["properties"]["memory"]["anyOf"][1]["properties"];
    CHECK(memory["size"]["default"] == "512MiB");
    CHECK(memory["base"]["default"] == "0x80000000");
    CHECK(memory["sharing"]["default"] == "share");
    CHECK(memory["hugepages"]["default"] == false);
    CHECK(!memory["file"].contains("default"));
}
