"""Builds the package for pip (PEP 517) with the standard library alone, so that `pip install` works without network.

libgov is found by pkg-config, else in ../../build/release of the checkout. GOV_LIBRARY=DIR names a build folder or an
installation first. Environment: CC, CFLAGS, LDFLAGS, SWIG, PKG_CONFIG_PATH."""

import base64
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
NATIVE = "_core" + sysconfig.get_config_var("EXT_SUFFIX")


def _read(*parts):
    with open(os.path.join(*parts), encoding="utf-8") as f:
        return f.read()


def _project(key):
    return re.search(rf'^{key} = "(.*)"$', _read(HERE, "pyproject.toml"), re.M).group(1)


NAME, VERSION = _project("name"), _project("version")
METADATA = f"""Metadata-Version: 2.1
Name: {NAME}
Version: {VERSION}
Summary: {_project("description")}
License: Apache-2.0
Requires-Python: {_project("requires-python")}
Description-Content-Type: text/markdown

"""


# --- libgov ---

def _installed(prefix):
    """(include folder, library folder) below a build folder or an installation, or None."""
    for include in (os.path.join(prefix, "include"), os.path.join(TREE, "include")):
        for library in [os.path.join(prefix, "lib"), os.path.join(prefix, "lib64")] + [
                os.path.join(prefix, "lib", d) for d in (sysconfig.get_config_var("MULTIARCH") or "",) if d]:
            if os.path.exists(os.path.join(include, "gov.h")) and os.path.exists(os.path.join(library, "libgov.so")):
                return include, library
    return None


def _pkg_config(variable):
    try:
        result = subprocess.run(["pkg-config", f"--variable={variable}", "libgov"], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True, check=False)
    except OSError:
        return ""
    return os.path.normpath(result.stdout.strip()) if result.returncode == 0 and result.stdout.strip() else ""


def find_libgov():
    """(include folder, library folder) of libgov."""
    if os.environ.get("GOV_LIBRARY"):
        found = _installed(os.path.abspath(os.environ["GOV_LIBRARY"]))
        if found is None:
            raise SystemExit(f"gov: no libgov in GOV_LIBRARY={os.environ['GOV_LIBRARY']}")
        return found
    include, library = _pkg_config("includedir"), _pkg_config("libdir")
    if include and library and os.path.exists(os.path.join(include, "gov.h")):
        return include, library
    found = _installed(os.path.join(TREE, "build", "release"))
    if found is None:
        raise SystemExit("gov: libgov is neither known to pkg-config nor built in build/release; "
                         "see docs/python.md")
    return found


# --- the native module ---

def _sources():
    """The folder with gov.i: bindings/ of the checkout, or native/ of a source package."""
    packed = os.path.join(HERE, "native")
    return packed if os.path.isdir(packed) else os.path.dirname(HERE)


def _run(args):
    print("+", " ".join(shlex.quote(a) for a in args), flush=True)
    result = subprocess.run(args, check=False)
    if result.returncode != 0:
        raise SystemExit(f"gov: {args[0]} failed")


def _swig():
    for name in (os.environ.get("SWIG"), "swig", "swig4.0"):
        if name and shutil.which(name):
            return name
    raise SystemExit("gov: SWIG 4.1 is needed to build from the checkout (Debian: swig)")


def build_native(folder):
    """Builds the native module into a folder; gives its path."""
    include, library = find_libgov()
    sources = _sources()
    python = sysconfig.get_paths()["include"]
    if not os.path.exists(os.path.join(python, "Python.h")):
        raise SystemExit("gov: Python.h is missing (Debian: python3-dev)")
    target = os.path.join(folder, NATIVE)
    with tempfile.TemporaryDirectory(prefix="govbuild.") as tmp:
        wrapper = os.path.join(tmp, "core_wrap.c")
        _run([_swig(), "-python", "-builtin", f"-I{include}", f"-I{sources}", "-outdir", tmp, "-o", wrapper,
              os.path.join(sources, "gov.i")])
        command = shlex.split(os.environ.get("CC") or "cc")
        command += ["-std=c11", "-O2", "-DNDEBUG", "-fPIC", "-fvisibility=hidden", "-fno-strict-aliasing", "-shared",
                    f"-ffile-prefix-map={tmp}/=", f"-ffile-prefix-map={sources}/="]
        command += shlex.split(os.environ.get("CFLAGS", ""))
        command += [f"-I{include}", f"-I{sources}", f"-I{python}", wrapper, "-o", target, f"-L{library}", "-lgov"]
        if not library.startswith("/usr/lib"):
            command.append(f"-Wl,-rpath,{library}")
        command += shlex.split(os.environ.get("LDFLAGS", ""))
        _run(command)
    return target


# --- wheels ---

def _tag():
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    platform = re.sub(r"[^A-Za-z0-9]", "_", sysconfig.get_platform())
    flags = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{python}-{python}{flags}-{platform}"


def _write_wheel(path, files):
    info = f"{NAME}-{VERSION}.dist-info"
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}")
        record.append(f"{info}/RECORD,,")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", (1980, 1, 1, 0, 0, 0)), "\n".join(record) + "\n")


def _package_files():
    files = {}
    for name in sorted(os.listdir(os.path.join(HERE, NAME))):
        if name.endswith((".py", ".pyi", ".typed")):
            with open(os.path.join(HERE, NAME, name), "rb") as f:
                files[f"{NAME}/{name}"] = f.read()
    return files


def _info_files():
    info = f"{NAME}-{VERSION}.dist-info"
    wheel = f"Wheel-Version: 1.0\nGenerator: gov_build\nRoot-Is-Purelib: false\nTag: {_tag()}\n"
    return {f"{info}/METADATA": (METADATA + _read(HERE, "README.md")).encode(), f"{info}/WHEEL": wheel.encode()}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {**_package_files(), **_info_files()}
    with tempfile.TemporaryDirectory(prefix="govbuild.") as tmp:
        with open(build_native(tmp), "rb") as f:
            files[f"{NAME}/{NATIVE}"] = f.read()
    name = f"{NAME}-{VERSION}-{_tag()}.whl"
    _write_wheel(os.path.join(wheel_directory, name), files)
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """`pip install -e`: the native module goes beside the sources, and a path file leads there."""
    build_native(os.path.join(HERE, NAME))
    name = f"{NAME}-{VERSION}-{_tag()}.whl"
    _write_wheel(os.path.join(wheel_directory, name), {f"__editable__.{NAME}.pth": (HERE + "\n").encode(), **_info_files()})
    return name


def build_sdist(sdist_directory, config_settings=None):
    base = f"{NAME}-{VERSION}"
    native = ["gov.i", "glue.h"] + [f"python/{n}" for n in ("typemaps.i", "threads.i", "convert.h")]
    with tarfile.open(os.path.join(sdist_directory, f"{base}.tar.gz"), "w:gz") as tar:
        for name in ("pyproject.toml", "gov_build.py", "README.md"):
            tar.add(os.path.join(HERE, name), f"{base}/{name}")
        for name in sorted(_package_files()):
            tar.add(os.path.join(HERE, name), f"{base}/{name}")
        for name in native:
            tar.add(os.path.join(_sources(), name), f"{base}/native/{name}")
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as f:
            f.write(METADATA)
            f.flush()
            tar.add(f.name, f"{base}/PKG-INFO")
    return f"{base}.tar.gz"


if __name__ == "__main__":  # gov_build.py FOLDER: the native module alone, for the build in the tree
    os.makedirs(sys.argv[1], exist_ok=True)
    build_native(sys.argv[1])
