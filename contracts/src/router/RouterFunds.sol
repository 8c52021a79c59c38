// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IERC3009} from "../interfaces/IERC3009.sol";
import {IPaymentRouter} from "../interfaces/IPaymentRouter.sol";
import {IPaymentSource} from "../interfaces/IPaymentSource.sol";

/// @title RouterFunds
/// @notice How money comes into the router and leaves it, exactly, within one call.
abstract contract RouterFunds is IPaymentRouter {
    using SafeERC20 for IERC20;

    address internal constant NATIVE = address(0);

    // how money moves ----------------------------------------------------------------------------------------------------

    /// @dev A permit that fails may have been used by somebody else already: the allowance decides, when the money is pulled.
    function _usePermit(address token, Permit calldata permit) internal {
        if (token.code.length == 0) revert NotAToken(token);
        try IERC20Permit(token)
            .permit(msg.sender, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
    }

    /// @return before What the router held of the token before this call.
    function _pull(address token, uint256 amount) internal returns (uint256 before) {
        if (token == NATIVE) {
            _requireValue(amount);
            return address(this).balance - amount;
        }
        _requireValue(0);
        before = _balance(token, address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        _requireReceived(token, address(this), before, amount);
    }

    /// @return before What the router held of the token before this call.
    function _receive(address token, uint256 amount, bytes32 nonce, Authorization calldata auth)
        internal
        returns (uint256 before)
    {
        if (token == NATIVE) revert TokenRequired();
        before = _balance(token, address(this));
        _useAuthorization(token, amount, nonce, auth);
        _requireReceived(token, address(this), before, amount);
    }

    function _useAuthorization(address token, uint256 amount, bytes32 nonce, Authorization calldata auth) private {
        bytes calldata signature = auth.signature;
        if (signature.length != 65) {
            IERC3009(token)
                .receiveWithAuthorization(
                    auth.from, address(this), amount, auth.validAfter, auth.validBefore, nonce, signature
                );
            return;
        }
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        IERC3009(token)
            .receiveWithAuthorization(
                auth.from, address(this), amount, auth.validAfter, auth.validBefore, nonce, v, r, s
            );
    }

    function _send(address token, address to, uint256 amount) internal {
        if (token != NATIVE) return IERC20(token).safeTransfer(to, amount);
        (bool success,) = to.call{value: amount}("");
        if (!success) revert PaymentFailed(to, amount);
    }

    /// @dev From one account to another without passing through the router.
    function _move(address token, address from, address to, uint256 amount) internal {
        uint256 before = _balance(token, to);
        IERC20(token).safeTransferFrom(from, to, amount);
        _requireReceived(token, to, before, amount);
    }

    /// @dev Through the router, so that nobody else can count the source's transfer as a payment too.
    function _collect(address source, address token, address to, uint256 amount, bytes32 ref) internal {
        uint256 before = _balance(token, address(this));
        IPaymentSource(source).collect(token, to, amount, ref);
        _requireReceived(token, address(this), before, amount);
        _passOn(token, to, amount, before);
    }

    /// @param before What the router held before it received `amount`.
    function _passOn(address token, address to, uint256 amount, uint256 before) internal {
        uint256 held = _balance(token, to);
        _send(token, to, amount);
        if (token != NATIVE) _requireReceived(token, to, held, amount);
        _requireBalance(token, before);
    }

    function _balance(address token, address holder) internal view returns (uint256) {
        if (token == NATIVE) return holder.balance;
        if (token.code.length == 0) revert NotAToken(token);
        return IERC20(token).balanceOf(holder);
    }

    // what must hold -----------------------------------------------------------------------------------------------------

    function _requireRecipient(uint256 index, address to) internal view {
        if (to == address(0) || to == address(this)) revert InvalidRecipient(index, to);
    }

    function _requireValue(uint256 required) internal view {
        if (msg.value != required) revert WrongValue(required, msg.value);
    }

    function _requireReceived(address token, address to, uint256 before, uint256 amount) internal view {
        uint256 later = _balance(token, to);
        uint256 received = later > before ? later - before : 0;
        if (received != amount) revert InexactTransfer(token, amount, received);
    }

    function _requireBalance(address token, uint256 before) internal view {
        uint256 later = _balance(token, address(this));
        if (later != before) revert BalanceChanged(token, before, later);
    }
}
