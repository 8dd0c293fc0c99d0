# SPDX-License-Identifier: BSD-3-Clause
# A VM as a Nomad job: one gh-vmm process by the raw_exec driver (or exec, with the images in the task's
# folder). Nomad chooses the node, starts, watches and ends it.
job "debian-vm" {
  type = "service"

  group "vm" {
    count = 1

    restart {
      attempts = 3
      delay    = "5s"
      mode     = "fail"
    }

    task "gh-vmm" {
      driver       = "raw_exec"
      kill_signal  = "SIGTERM"
      kill_timeout = "45s" # longer than stop.grace

      config {
        command = "/usr/bin/gh-vmm"
        args = [
          "--log-format", "json", "run",
          "--control", "${NOMAD_TASK_DIR}/control.sock",
          "${NOMAD_TASK_DIR}/vm.json",
        ]
      }

      template {
        destination = "local/vm.json"
        data        = <<EOF
{
  "name": "debian-{{ env "NOMAD_ALLOC_INDEX" }}",
  "kernel": "/srv/vm-images/vmlinuz",
  "initrd": "/srv/vm-images/initrd.gz",
  "params": ["console=ttyS0"],
  "cpus": 2,
  "memory": "512MiB",
  "hypervisor": "emulated",
  "serial": {"type": "socket", "path": "console.sock"},
  "on_reboot": "restart"
}
EOF
      }

      resources {
        cpu    = 2000
        memory = 768 # guest RAM, translated code and what gh-vmm needs
      }
    }
  }
}
