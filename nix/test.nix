# SPDX-License-Identifier: LGPL-2.1-or-later
# What the module makes of the example that this project began with: one GPU, 8 GiB, three cores with two threads each, at boot, no
# display. nixpkgs is not needed: this stub of it has what the module calls, and merges nothing.
let
  lib = {
    mkOption = option: option;
    mkEnableOption = description: { inherit description; default = false; };
    mkIf = condition: settings: if condition then settings else { };
    optional = condition: element: if condition then [ element ] else [ ];
    nameValuePair = name: value: { inherit name value; };
    mapAttrs' = f: set: builtins.listToAttrs (map (name: f name set.${name}) (builtins.attrNames set));
    mapAttrsToList = f: set: map (name: f name set.${name}) (builtins.attrNames set);
    concatLists = builtins.concatLists;
    makeBinPath = packages: builtins.concatStringsSep ":" (map (package: "${package}/bin") packages);
    cleanSource = path: path;
    licenses.lgpl21Plus = "LGPL-2.1-or-later";
    types = {
      bool = builtins.isBool;
      int = builtins.isInt;
      str = builtins.isString;
      singleLineStr = value: builtins.isString value && builtins.match "[^\n\r]*" value != null;
      package = builtins.isAttrs;
      oneOf = types: value: builtins.any (type: type value) types;
      either = one: other: value: one value || other value;
      listOf = type: value: builtins.isList value && builtins.all type value;
      attrsOf = type: value: builtins.isAttrs value && builtins.all (name: type value.${name}) (builtins.attrNames value);
      # One with an option that there is not, or a value that its type refuses, is none of these.
      submodule = module: value: builtins.all
        (name: module.options ? ${name} && module.options.${name}.type value.${name})
        (builtins.attrNames value);
    };
  };

  pkgs = {
    qemu_kvm.name = "qemu";
    kmod.name = "kmod";
    swtpm.name = "swtpm";
    virtiofsd.name = "virtiofsd";
    dnsmasq.outPath = "/nix/store/dnsmasq";
    nftables.outPath = "/nix/store/nftables";
    callPackage = path: arguments: import path ({
      inherit lib;
      stdenv.mkDerivation = derivation: derivation;
      meson = "meson";
      ninja = "ninja";
      pkg-config = "pkg-config";
      scdoc = "scdoc";
      systemd = "systemd";
      pciutils = "pciutils";
      libmnl = "libmnl";
      glib = "glib";
      json_c = "json-c";
    } // arguments);
  };

  evaluate = guests:
    let
      module = import ./module.nix { inherit lib pkgs config; };
      options = module.options.services.usher;
      config.services.usher = builtins.mapAttrs (name: option: option.default) options // { enable = true; inherit guests; };
    in
    assert options.guests.type guests;
    assert builtins.all (a: a.assertion) module.config.assertions;
    module.config;

  refused = guests: ! (builtins.tryEval (evaluate guests)).success;

  host = evaluate {
    win10 = {
      autoStart = true;
      definition = {
        Guest.Description = "Windows with the GPU";
        CPU = { Sockets = 1; Cores = 3; Threads = 2; };
        Memory.Size = "8G";
        "PCI gpu".Address = "0000:01:00.0";
        Display.Type = "none";
      };
    };
    other = {
      autoStart = false;
      definition."Disk system" = { Path = "/dev/disk/by-id/ata-EXAMPLE"; ReadOnly = true; Backing = [ "/one" "/two" ]; };
    };
  };
in
assert host.systemd.services."usher-guest@win10".wantedBy == [ "multi-user.target" ];
assert host.systemd.services."usher-guest@other".wantedBy == [ ];
assert host.systemd.services."usher-guest@win10".restartIfChanged == false;
assert host.systemd.services.usherd.wantedBy == [ "multi-user.target" ];
assert builtins.elem "/nix/store/dnsmasq" (map toString host.systemd.services.usherd.path);
assert host.systemd.services.usher-nat.serviceConfig.ExecSearchPath == "/nix/store/dnsmasq/bin:/nix/store/nftables/bin";
assert host.systemd.services.usher-nat-dhcp == host.systemd.services.usher-nat;
assert host.systemd.services.usher-nat.restartIfChanged == false;
assert builtins.elem 67 host.networking.firewall.interfaces.usher0.allowedUDPPorts;
assert host.boot.kernelParams == [ "intel_iommu=on" ];
assert builtins.elem "vfio_pci" host.boot.kernelModules;
assert host.environment.etc."usher/guests/win10.guest".mode == "0644";
assert host.environment.etc."usher/guests/other.guest".text ==
  "[Disk system]\nBacking=/one\nBacking=/two\nPath=/dev/disk/by-id/ata-EXAMPLE\nReadOnly=yes\n";
assert builtins.length host.environment.systemPackages == 5;
assert refused { win10.autostart = true; };
assert refused { win10.autoStart = "yes"; };
assert refused { win10.definition.Memory = "8G"; };
assert refused { win10.definition.Memory.Size = 8.5; };
assert refused { win10.definition.Memory.Size = null; };
assert refused { win10.definition.Guest.Description = "one\n[QEMU]\nArgument=-S"; };
assert refused { win10.definition."PCI gpu]\n[QEMU".Address = "0000:01:00.0"; };
assert refused { Win10.definition = { }; };
assert refused { "a/b".definition = { }; };
assert builtins.elem "-Dtests=false" (builtins.head host.systemd.packages).mesonFlags;
host.environment.etc."usher/guests/win10.guest".text
