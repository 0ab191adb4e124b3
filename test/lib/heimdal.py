# SPDX-License-Identifier: GPL-2.0-or-later
"""heimdal: a realm whose KDC is Heimdal's.  Debian's package cannot be
installed beside MIT's: it is downloaded and unpacked into a cache, build/heimdal
of this tree, and run from there.

    with Hosts(3) as (a, b, kdc), HeimdalRealm(kdc) as realm: ...
"""
import glob
import os
import shutil
import subprocess

from nfhosts import TOP, Tap, bin_path, wait_for
from realm import Realm

CACHE = os.path.join(TOP, "build", "heimdal")
PACKAGES = """heimdal-clients heimdal-kdc libasn1-8-heimdal libgssapi3-heimdal
    libhcrypto5-heimdal libhdb9-heimdal libheimbase1-heimdal
    libheimntlm0-heimdal libhx509-5-heimdal libkadm5clnt7-heimdal
    libkadm5srv8-heimdal libkafs0-heimdal libkdc2-heimdal libkrb5-26-heimdal
    libotp0-heimdal libroken19-heimdal libsl0-heimdal libwind0-heimdal"""


def unpack():
    """Downloads and unpacks, once; false when that is not possible."""
    if os.path.isdir(CACHE):
        return True
    new = f"{CACHE}.{os.getpid()}"
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(f"{new}/deb")
    r = subprocess.run(["apt-get", "-qq", "download", *PACKAGES.split()],
                       cwd=f"{new}/deb", capture_output=True, check=False)
    good = r.returncode == 0 and all(
        subprocess.run(["dpkg-deb", "-x", deb, new], check=False).returncode
        == 0 for deb in glob.glob(f"{new}/deb/*.deb"))
    shutil.rmtree(f"{new}/deb")
    if not good or os.path.isdir(CACHE):
        shutil.rmtree(new, ignore_errors=True)
        return good
    os.rename(new, CACHE)
    return True


def need_heimdal():
    if not os.access(bin_path("keynegd"), os.X_OK):
        Tap.skip_all("needs keynegd")
    if not unpack():
        Tap.skip_all("Heimdal's packages cannot be had")


class HeimdalRealm(Realm):
    def _make_database(self, enctypes):
        lib = glob.glob(f"{CACHE}/usr/lib/*-linux-gnu")[0]
        self.env["LD_LIBRARY_PATH"] = f"{lib}:{lib}/heimdal"
        self.env["KRB5_CONFIG"] = self.path("kdc.conf")
        with open(self.path("kdc.conf"), "w", encoding="utf-8") as f:
            f.write(f"""[libdefaults]
	default_realm = {self.realm}
[kdc]
	database = {{
		dbname = {self.path('principal')}
		realm = {self.realm}
		log_file = {self.path('log')}
		acl_file = {self.path('acl')}
	}}
[kadmin]
	default_keys = {' '.join(e + ':pw-salt' for e in enctypes.split())}
""")
        self._kadmin("init", "--realm-max-ticket-life=1d",
                     "--realm-max-renewable-life=1d", self.realm)

    def __init__(self, kdc, enctypes="aes256-cts-hmac-sha1-96", **more):
        super().__init__(kdc, enctypes, **more)

    def _kadmin(self, *words):
        return self._admin([f"{CACHE}/usr/bin/kadmin.heimdal", "-l", "-c",
                            self.path("kdc.conf"), "-r", self.realm, *words])

    def kadmin(self, query):
        """MIT's words, as far as join and the tests use them."""
        words = query.split()
        if words[0] == "addprinc":
            return self._kadmin("add", "--random-key", "--use-defaults",
                                words[-1])
        if words[0] == "ktadd":
            return self._kadmin("ext_keytab", "-k", words[2], words[3])
        if words[0] == "cpw":
            return self._kadmin("cpw", "--random-key", words[-1])
        raise ValueError(query)

    def start(self):
        with open(self.path("kdc.out"), "ab") as log:
            self.daemon = self.kdc.popen(
                [f"{CACHE}/usr/lib/heimdal-servers/kdc",
                 f"--config-file={self.path('kdc.conf')}",
                 f"--addresses={self.kdc.addr}"],
                env=self.env, stdout=log, stderr=log)
        wait_for(lambda: ":88 " in self.kdc.out(["ss", "-Hnlu"]), 10,
                 "the KDC does not listen")
