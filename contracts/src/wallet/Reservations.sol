// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Spending} from "./Spending.sol";
import {IAuthorizationState} from "../interfaces/IAuthorizationState.sol";
import {Eip3009} from "../libraries/Eip3009.sol";
import {Limit} from "../libraries/Limit.sol";
import {WalletMessages} from "../libraries/WalletMessages.sol";

/// @notice x402 from the contract: EIP-3009 authorizations that count when they are reserved, and that the wallet confirms to the token afterwards.
/// @dev One slot an authorization, found by the digest that the token will ask about. The rest of the authorization comes back with each call and is
///      bound by the digest, which this contract computes itself.
abstract contract Reservations is Spending {
    struct Reservation {
        address operator;
        uint48 validBefore;
        uint32 window;
        Status status;
    }

    uint256 private constant _LONGEST = 10 minutes;
    /// @dev The six words of an authorization: neither empty nor 65 bytes, which facilitators take for a key's signature.
    uint256 private constant _SIGNATURE_LENGTH = 192;

    mapping(bytes32 digest => Reservation) private _reservations;

    function reserve(Authorization[] calldata authorizations) external {
        bool listed = _stateFor(msg.sender).payeesOnly;
        for (uint256 i = 0; i < authorizations.length; ++i) {
            bytes32 digest = authorizationDigest(authorizations[i]);
            if (_reservations[digest].status != Status.None) revert AuthorizationAlreadyReserved(digest);
            _reserve(authorizations[i], digest, msg.sender, listed);
        }
    }

    function reserveSigned(Authorization[] calldata authorizations, address operator, bytes calldata signature)
        external
    {
        bool listed = _stateFor(operator).payeesOnly;
        bytes32 signed = reserveDigest(authorizations);
        if (!SignatureChecker.isValidSignatureNowCalldata(operator, signed, signature)) {
            revert InvalidOperatorSignature(operator, signed);
        }
        for (uint256 i = 0; i < authorizations.length; ++i) {
            bytes32 digest = authorizationDigest(authorizations[i]);
            Status status = _reservations[digest].status;
            if (status == Status.Released) revert AuthorizationAlreadyReserved(digest);
            if (status == Status.None) _reserve(authorizations[i], digest, operator, listed);
        }
    }

    function revoke(Authorization[] calldata authorizations) external onlyOperatorOrOwner {
        for (uint256 i = 0; i < authorizations.length; ++i) {
            _release(authorizations[i], authorizationDigest(authorizations[i]));
        }
    }

    function release(Authorization[] calldata authorizations) external {
        for (uint256 i = 0; i < authorizations.length; ++i) {
            uint256 end = authorizations[i].validBefore;
            if (block.timestamp < end) revert AuthorizationNotExpired(end, block.timestamp);
            _release(authorizations[i], authorizationDigest(authorizations[i]));
        }
    }

    /// @inheritdoc IERC1271
    /// @dev `signature` is the authorization itself: token, to, value, validAfter, validBefore and nonce, a word each.
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        return _confirms(digest, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    // Views --------------------------------------------------------------------------------------------------------

    function authorizationDigest(Authorization calldata a) public view returns (bytes32) {
        bytes32 domain = _domains[a.token][block.chainid];
        if (domain == 0) revert DomainUnknown(a.token, block.chainid);
        return
            Eip3009.transferDigest(domain, address(this), uint160(a.to), a.value, a.validAfter, a.validBefore, a.nonce);
    }

    function reservation(bytes32 digest)
        external
        view
        returns (Status status, address operator, uint256 validBefore, uint256 window)
    {
        Reservation memory found = _reservations[digest];
        return (found.status, found.operator, found.validBefore, found.window);
    }

    function reserveDigest(Authorization[] calldata authorizations) public view returns (bytes32) {
        return _digest(WalletMessages.reserve(authorizations));
    }

    // Steps --------------------------------------------------------------------------------------------------------

    function _reserve(Authorization calldata a, bytes32 digest, address operator, bool listed) private {
        if (a.validBefore <= block.timestamp) revert AuthorizationExpired(a.validBefore, block.timestamp);
        uint256 latest = block.timestamp + _LONGEST;
        if (a.validBefore > latest) revert ValidityTooLong(a.validBefore, latest);
        Limit limit = _limitOf(a.token);
        _check(a.token, a.to, a.value, limit, listed);
        _checkThreshold(a.token, a.value, limit);
        uint256 first = windowOf(block.timestamp);
        uint256 last = _lastWindow(a);
        _count(a.token, a.value, limit);
        if (last != first) _countAhead(a.token, a.value, last, limit);
        _reservations[digest] = Reservation(operator, uint48(a.validBefore), uint32(first), Status.Reserved);
        emit Reserved(digest, operator, a.token, a.to, a.value, a.validBefore, a.nonce);
    }

    /// @dev Released is final: from then on `isValidSignature` refuses the digest, so what was unused here stays unused.
    function _release(Authorization calldata a, bytes32 digest) private {
        Reservation storage found = _reservations[digest];
        if (found.status != Status.Reserved) revert AuthorizationNotReserved(digest);
        found.status = Status.Released;
        uint256 first = found.window;
        uint256 last = _lastWindow(a);
        _credit(a.token, a.value, first);
        if (last != first) _credit(a.token, a.value, last);
        // A read, and nothing above can be seen before it: a used authorization undoes the whole call.
        if (_used(a.token, a.nonce)) revert AuthorizationUsed(digest);
        emit Released(digest, msg.sender);
    }

    function _confirms(bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (signature.length != _SIGNATURE_LENGTH) return false;
        Reservation storage found = _reservations[digest];
        if (found.status != Status.Reserved || block.timestamp >= found.validBefore) return false;
        if (!_isRunning(found.operator)) return false;
        // Words, not addresses: a signature with dirty bits is refused by its digest instead of reverting.
        uint256[6] memory words = abi.decode(signature, (uint256[6]));
        address token = address(uint160(words[0]));
        bytes32 nonce = bytes32(words[5]);
        bytes32 domain = _domains[token][block.chainid];
        bytes32 own = Eip3009.transferDigest(domain, address(this), words[1], words[2], words[3], words[4], nonce);
        return own == digest && !_used(token, nonce);
    }

    function _used(address token, bytes32 nonce) private view returns (bool) {
        return IAuthorizationState(token).authorizationState(address(this), nonce);
    }

    /// @dev The last second of use is the one before `validBefore`.
    function _lastWindow(Authorization calldata a) private pure returns (uint256) {
        return windowOf(a.validBefore - 1);
    }
}
