# SPDX-License-Identifier: LGPL-2.1-or-later
# In configuration.nix:
#
#   imports = [ /path/to/usher/nix/module.nix ];
#   services.usher.enable = true;
#   services.usher.guests.win10 = {
#     autoStart = true;
#     definition.Memory.Size = "8G";
#     definition."PCI gpu".Address = "0000:01:00.0";
#   };
{ config, lib, pkgs, ... }:

let
  cfg = config.services.usher;

  # Of Mode=nat. NixOS' systemd looks for a unit's program in its own package, or where ExecSearchPath= says (systemd.exec(5)); usherd, which
  # refuses a guest whose programs are not there, looks in PATH. A restart would make the bridge anew, without the links of running guests.
  natPrograms = [ pkgs.dnsmasq pkgs.nftables ];
  natService = {
    overrideStrategy = "asDropin";
    restartIfChanged = false;
    stopIfChanged = false;
    serviceConfig.ExecSearchPath = lib.makeBinPath natPrograms;
  };

  # A definition has one value a line, and a list as a line for each (usher.guest(5)).
  value = v: if builtins.isBool v then (if v then "yes" else "no") else toString v;
  line = key: v: "${key}=${value v}\n";
  lines = key: v: builtins.concatStringsSep "" (map (line key) (if builtins.isList v then v else [ v ]));
  section = name: keys: "[${name}]\n" + builtins.concatStringsSep "" (lib.mapAttrsToList lines keys);
  text = definition: builtins.concatStringsSep "" (lib.mapAttrsToList section definition);

  # A second line would be another key.
  scalar = with lib.types; oneOf [ bool int singleLineStr ];

  guest.options = {
    autoStart = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether the guest starts at boot.";
    };
    definition = lib.mkOption {
      type = with lib.types; attrsOf (attrsOf (either scalar (listOf scalar)));
      default = { };
      example = { CPU.Cores = 4; Memory.Size = "8G"; "PCI gpu".Address = "0000:01:00.0"; };
      description = ''
        The sections of the guest's definition with their keys, see usher.guest(5).
        They come in the order of their names: of two disks without BootIndex, the guest boots from "Disk a" before "Disk b".
      '';
    };
  };
in
{
  options.services.usher = {
    enable = lib.mkEnableOption "usher, which lends PCI devices of the host to QEMU guests";
    package = lib.mkOption {
      type = lib.types.package;
      default = pkgs.callPackage ./package.nix { };
      description = "The package with usherd and usherctl.";
    };
    qemu = lib.mkOption {
      type = lib.types.package;
      default = pkgs.qemu_kvm;
      description = "The package with the QEMU that runs the guests.";
    };
    guests = lib.mkOption {
      type = lib.types.attrsOf (lib.types.submodule guest);
      default = { };
      description = "Guests by their names.";
    };
  };

  config = lib.mkIf cfg.enable {
    # What usherd would pass over, or read as something else (usher.guest(5)).
    assertions = lib.concatLists (lib.mapAttrsToList (name: g: [
      {
        assertion = builtins.match "[a-z0-9][a-z0-9-]{0,62}" name != null;
        message = "services.usher.guests: ${name} is no name of a guest, which has small letters, digits and -";
      }
      {
        assertion = builtins.all (section: builtins.match "[^]\n]+" section != null) (builtins.attrNames g.definition);
        message = "services.usher.guests.${name}.definition: a section has ] or a line's end in its name";
      }
    ]) cfg.guests);

    # AMD's IOMMU is on by default; another processor ignores the word.
    boot.kernelParams = [ "intel_iommu=on" ];
    boot.kernelModules = [ "vfio" "vfio_iommu_type1" "vfio_pci" ];

    # Where package.nix says that they are.
    environment.systemPackages = [ cfg.package cfg.qemu pkgs.kmod pkgs.swtpm pkgs.virtiofsd ];
    environment.pathsToLink = [ "/share/qemu" ];
    services.dbus.packages = [ cfg.package ];
    security.polkit.enable = true;

    # With a mode they are copied. usherd does not follow a link into the store: a group may write to that folder.
    environment.etc = lib.mapAttrs'
      (name: g: lib.nameValuePair "usher/guests/${name}.guest" { mode = "0644"; text = text g.definition; })
      cfg.guests;

    systemd.packages = [ cfg.package ];
    systemd.tmpfiles.packages = [ cfg.package ];
    systemd.network.links."60-usher" = {
      matchConfig.OriginalName = "ush-* usher0";
      linkConfig.MACAddressPolicy = "none";
    };
    # Guests with Mode=nat ask the host for addresses and names.
    networking.firewall.interfaces.usher0 = { allowedTCPPorts = [ 53 ]; allowedUDPPorts = [ 53 67 ]; };
    systemd.sockets.usherd.wantedBy = [ "sockets.target" ];
    # A changed definition waits for the guest's next start: a switch of the system does not stop guests.
    systemd.services = {
      usherd.wantedBy = [ "multi-user.target" ];
      usherd.path = natPrograms;
      usher-nat = natService;
      usher-nat-dhcp = natService;
    } // lib.mapAttrs'
      (name: g: lib.nameValuePair "usher-guest@${name}" {
        overrideStrategy = "asDropin";
        restartIfChanged = false;
        stopIfChanged = false;
        wantedBy = lib.optional g.autoStart "multi-user.target";
      })
      cfg.guests;
  };
}
