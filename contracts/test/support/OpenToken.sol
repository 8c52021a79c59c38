// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Pausable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Pausable.sol";

/// @notice OpenZeppelin's ERC-20 as most tokens are built on it, so that Python's tests meet its own errors on a real EVM. Anybody mints, burns and pauses.
/// @dev `compile.mjs` writes its artifact to tests/vectors/contracts.
contract OpenToken is ERC20Pausable {
    constructor() ERC20("Open Token", "OPEN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function pause() external {
        _pause();
    }
}
