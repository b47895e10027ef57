"""What paramiko 1.x finds no more: names of Python 3.2, and calls of pycrypto that pycryptodome has otherwise."""

import collections
import collections.abc

from Crypto.Cipher import AES
from Crypto.PublicKey import RSA

collections.MutableMapping = collections.abc.MutableMapping


def sign(key, message, _):
    return (pow(int.from_bytes(message, "big"), key.d, key.n),)


def verify(key, message, signature):
    return pow(signature[0], key.e, key.n) == message


new_aes = AES.new


def new(key, mode, iv, counter=None):
    """pycrypto ignores the IV of a counter mode."""
    return new_aes(key, mode, counter=counter) if mode == AES.MODE_CTR else new_aes(key, mode, iv)


AES.new = new
RSA.RsaKey.sign = sign
RSA.RsaKey.verify = verify
