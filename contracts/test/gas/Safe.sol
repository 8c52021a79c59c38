// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "../support/Test.sol";

/// @notice The part of Safe 1.5 that the comparison calls. Its bytecode comes from npm when the tests run; nothing of it is in this repository.
interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address paymentReceiver
    ) external;
    function enableModule(address module) external;
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool);
    function execTransactionFromModule(address to, uint256 value, bytes calldata data, uint8 operation)
        external
        returns (bool);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);
    function nonce() external view returns (uint256);
}

/// @notice The least that an allowance on a Safe can be: a day's limit per delegate and token in one slot, no payees, no pause, no event, no look at
///         what the token did.
contract MinimalAllowance {
    struct Allowance {
        uint96 perDay;
        uint96 spent;
        uint32 day;
    }

    mapping(address safe => mapping(address delegate => mapping(address token => Allowance))) private _allowances;

    error TooMuch();

    function setAllowance(address delegate, address token, uint96 perDay) external {
        _allowances[msg.sender][delegate][token].perDay = perDay;
    }

    function pay(address safe, address token, address to, uint96 amount) external {
        Allowance memory allowance = _allowances[safe][msg.sender][token];
        uint32 today = uint32(block.timestamp / 1 days);
        if (allowance.day != today) (allowance.day, allowance.spent) = (today, 0);
        allowance.spent += amount;
        if (allowance.spent > allowance.perDay) revert TooMuch();
        _allowances[safe][msg.sender][token] = allowance;
        bytes memory data = abi.encodeCall(IERC20.transfer, (to, amount));
        require(ISafe(safe).execTransactionFromModule(token, 0, data, 0));
    }
}

abstract contract SafeTest is Test {
    string private constant _PATH = "@safe-global/safe-smart-account/build/artifacts/contracts/";

    /// @notice A Safe with one owner, behind its proxy.
    function deploySafe(address safeOwner) internal returns (ISafe safe) {
        address singleton = create(npmBytecode(string.concat(_PATH, "Safe.sol/Safe.json"), ".bytecode"));
        bytes memory proxy = npmBytecode(string.concat(_PATH, "proxies/SafeProxy.sol/SafeProxy.json"), ".bytecode");
        safe = ISafe(create(abi.encodePacked(proxy, abi.encode(singleton))));
        address[] memory owners = new address[](1);
        owners[0] = safeOwner;
        safe.setup(owners, 1, address(0), "", address(0), address(0), 0, address(0));
    }

    function executeOnSafe(ISafe safe, uint256 key, address to, bytes memory data) internal {
        bytes memory signed = safeSignature(safe, key, to, data);
        safe.execTransaction(to, 0, data, 0, 0, 0, 0, address(0), address(0), signed);
    }

    function safeSignature(ISafe safe, uint256 key, address to, bytes memory data)
        internal
        view
        returns (bytes memory)
    {
        uint256 nonce = safe.nonce();
        return signature(key, safe.getTransactionHash(to, 0, data, 0, 0, 0, 0, address(0), address(0), nonce));
    }
}
