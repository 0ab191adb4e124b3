# SPDX-License-Identifier: GPL-2.0-or-later
"""realm: a throw-away Kerberos realm (MIT's KDC) on one of nfhosts' hosts,
and keynegd on the others.

    from nfhosts import Hosts, Tap
    from realm import Realm
    with Hosts(3) as (a, b, kdc), Realm(kdc) as realm:
        for h in (a, b):
            realm.join(h)                 # principal kink/a.test@NF.TEST
        a.start(realm.conf(a, b)); b.start(realm.conf(b, a))
        realm.keynegd(a); realm.keynegd(b)

Everything lies in one temporary folder that ordinary users may enter, for
keynegd's processes are none but that.  The user _keynegd exists, for the
programs under test, in a private /etc/passwd.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

from nfhosts import Tap, bin_path, wait_for

REALM = "NF.TEST"
UID = 64321  # of _keynegd here; nobody else's


def need_kdc():
    for program in ("/usr/sbin/krb5kdc", "/usr/sbin/kadmin.local",
                    "/usr/sbin/kdb5_util"):
        if not os.access(program, os.X_OK):
            Tap.skip_all(f"needs {program} (Debian: krb5-kdc, "
                         "krb5-admin-server)")
    if not os.access(bin_path("keynegd"), os.X_OK):
        Tap.skip_all("needs keynegd")


class Realm:
    def __init__(self, kdc, enctypes="aes256-cts-hmac-sha384-192:normal "
                 "aes256-cts-hmac-sha1-96:normal", realm=REALM, more="",
                 kdc_of=None, dns=False):
        """`more`: lines of [libdefaults]; `kdc_of`: the realm's line that
        names its KDC; `dns`: it is found by DNS instead."""
        self.kdc, self.realm = kdc, realm
        self.dir = tempfile.mkdtemp(prefix="nfrealm.")
        os.chmod(self.dir, 0o755)
        self.conf_file = self.path("krb5.conf")
        self.env = dict(os.environ, KRB5_CONFIG=self.conf_file,
                        KRB5_KDC_PROFILE=self.path("kdc.conf"),
                        KRB5RCACHENAME="none:")
        self.daemon = None
        self.hosts = {}
        with open(self.conf_file, "w", encoding="utf-8") as f:
            f.write(f"""[libdefaults]
	default_realm = {realm}
	dns_lookup_kdc = {"true" if dns else "false"}
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
{more}
[realms]
""")
            if not dns:
                f.write(f"""	{realm} = {{
		{kdc_of or f"kdc = {kdc.addr}"}
	}}
""")
        with open(self.path("resolv.conf"), "w", encoding="utf-8") as f:
            f.write(f"nameserver {kdc.addr}\noptions timeout:1\n")
        self.by_dns = dns
        self._make_user()
        self._make_database(enctypes)

    def _make_database(self, enctypes):
        realm = self.realm
        with open(self.path("kdc.conf"), "w", encoding="utf-8") as f:
            f.write(f"""[kdcdefaults]
	kdc_listen = 88
	kdc_tcp_listen = 88
[realms]
	{realm} = {{
		database_name = {self.path('principal')}
		key_stash_file = {self.path('stash')}
		acl_file = {self.path('acl')}
		max_life = 10h
		supported_enctypes = {enctypes}
		master_key_type = aes256-cts-hmac-sha1-96
	}}
[logging]
	kdc = FILE:{self.path('kdc.log')}
""")
        self._admin(["/usr/sbin/kdb5_util", "-r", realm, "create", "-s", "-P",
                     "throw-away"])

    def _make_user(self):
        with open("/etc/passwd", encoding="utf-8") as f:
            lines = [l for l in f if not l.startswith("_keynegd:")]
        lines.append(f"_keynegd:x:{UID}:{UID}::/nonexistent:/bin/false\n")
        with open(self.path("passwd"), "w", encoding="utf-8") as f:
            f.writelines(lines)

    def path(self, name):
        return os.path.join(self.dir, name)

    def _admin(self, argv):
        r = subprocess.run(argv, env=self.env, capture_output=True, text=True,
                           check=False, timeout=60)
        if r.returncode != 0:
            raise RuntimeError(f"{argv}: {r.stdout}{r.stderr}")
        return r.stdout

    def kadmin(self, query):
        return self._admin(["/usr/sbin/kadmin.local", "-r", self.realm, "-q",
                            query])

    def start(self):
        log = open(self.path("krb5kdc.out"), "ab")
        self.daemon = self.kdc.popen(["/usr/sbin/krb5kdc", "-n", "-P",
                                      self.path("pid")], env=self.env,
                                     stdout=log, stderr=log)
        log.close()
        wait_for(lambda: ":88 " in self.kdc.out(["ss", "-Hnlu"]), 10,
                 "the KDC does not listen")

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(10)

    def suspend(self):
        """Alive and silent, which is worse than dead."""
        self.daemon.send_signal(signal.SIGSTOP)

    def resume(self):
        self.daemon.send_signal(signal.SIGCONT)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        for h in self.hosts.values():
            if exc[0] is not None:
                for line in h.keynegd_log().splitlines()[-40:]:
                    print(f"# {h.name}: {line}", flush=True)
        if self.daemon.poll() is None:
            self.resume()
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- members ----

    def join(self, host, principal=None, keytab=True):
        """Makes the host's principal and its keytab, and gives the host what
        keynegd needs."""
        host.principal = principal or f"kink/{host.name}.test@{self.realm}"
        host.realm_dir = self.path(host.name)
        os.makedirs(host.realm_dir, exist_ok=True)
        host.keytab = os.path.join(host.realm_dir, "keytab")
        host.keynegd_state = os.path.join(host.realm_dir, "state")
        host.keynegd_out = os.path.join(host.realm_dir, "keynegd.log")
        host.key_daemon = None
        self.kadmin(f"addprinc -randkey {host.principal}")
        if keytab:
            self.ktadd(host)
        inner = type(host)._argv
        mount = 'mount --bind "$0/passwd" /etc/passwd && '
        if self.by_dns:
            mount += 'mount --bind "$0/resolv.conf" /etc/resolv.conf && '
        host._argv = lambda argv: inner(host, [
            "unshare", "-m", "sh", "-c", mount + 'exec "$@"', self.dir, *argv])
        host.keynegd_log = lambda: self.log(host)
        self.hosts[host.name] = host

    def ktadd(self, host):
        self.kadmin(f"ktadd -k {host.keytab} {host.principal}")

    def conf(self, host, peer, cipher="aes128-gcm", more="", keying="",
             flows=None, pattern=None, principals=None, options=""):
        """Everything between host and peer, keys by Kerberos."""
        if flows is None:
            flows = (f'flow out link "ip daddr {peer.addr}"\n'
                     f'flow in link "ip saddr {peer.addr}"')
        if principals is None:
            principals = "\n".join(f"\t{h.addr} {h.principal}"
                                   for h in self.hosts.values())
        return f"""options {{
	workers 1
	{options}
}}
association link {{
	said 0x100
	local {host.addr}
	peer {peer.addr}
	mode transport
	protect esp {cipher}
	{more}
	keying kerberos {{
		local {host.principal}
		peer {pattern or 'kink/*@' + self.realm}
		{keying}
	}}
}}
principals {{
{principals}
}}
{flows}
"""

    def keynegd(self, host, *args, wait=True, **more):
        """Starts keynegd with the host's configuration; `more`: what its
        environment has beside."""
        env = {**os.environ, "KRB5_CONFIG": self.conf_file, **more}
        text = "connected to the engine"
        before = self.log(host).count(text)
        with open(host.keynegd_out, "ab") as log:
            host.key_daemon = host.popen(
                [bin_path("keynegd"), "-c", host.conf, "--run-dir",
                 host.run_dir, "--state-dir", host.keynegd_state, "--keytab",
                 host.keytab, "--debug", *args],
                env=env, stdout=log, stderr=log)
        if wait:
            wait_for(lambda: self.log(host).count(text) > before, 10,
                     f"{host.name}: keynegd: {self.log(host)}")
        return host.key_daemon

    @staticmethod
    def stop_keynegd(host):
        host.key_daemon.terminate()
        return host.key_daemon.wait(10)

    @staticmethod
    def log(host):
        with contextlib.suppress(FileNotFoundError):
            with open(host.keynegd_out, encoding="utf-8",
                      errors="replace") as f:
                return f.read()
        return ""
