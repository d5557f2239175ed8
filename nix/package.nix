# SPDX-License-Identifier: LGPL-2.1-or-later
# For pkgs.callPackage. Programs that the host has are taken from there, as the guests' units run in it.
{ lib, stdenv, meson, ninja, pkg-config, scdoc, systemd, pciutils, libmnl, glib, json_c }:

stdenv.mkDerivation {
  pname = "usher";
  version = "0.1.0";
  src = lib.cleanSource ../.;
  nativeBuildInputs = [ meson ninja pkg-config scdoc ];
  buildInputs = [ systemd pciutils libmnl glib json_c ];
  mesonFlags = [
    "-Dtests=false"
    "-Dqemu=/run/current-system/sw/bin/qemu-system-x86_64"
    "-Dqemudatadir=/run/current-system/sw/share/qemu"
    "-Dswtpm=/run/current-system/sw/bin/swtpm"
    "-Dvirtiofsd=/run/current-system/sw/bin/virtiofsd"
    "-Dmodprobe=/run/current-system/sw/bin/modprobe"
    "-Dsystemunitdir=${placeholder "out"}/lib/systemd/system"
    "--sysconfdir=/etc"
    "--localstatedir=/var"
  ];
  meta = {
    description = "Lends PCI devices of the host to QEMU guests";
    license = lib.licenses.lgpl21Plus;
    platforms = [ "x86_64-linux" ];
    mainProgram = "usherctl";
  };
}
