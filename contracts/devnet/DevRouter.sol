// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// A small constant-product exchange for local chains. It answers to the functions of the routers, factories and pools that
// wallets know, so that what trades here trades there; it is code of its own, and it is not made for real money.

interface IDevToken {
    function balanceOf(address owner) external view returns (uint256);
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

interface IDevCoin is IDevToken {
    function deposit() external payable;
    function withdraw(uint256 value) external;
}

/// @title Devnet pool
/// @notice Two tokens, and a token that is a share of them. The product of the reserves never falls; three thousandths of
///         what is put in by a trade stay here.
contract DevPair {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    event Mint(address indexed sender, uint256 amount0, uint256 amount1);
    event Burn(address indexed sender, uint256 amount0, uint256 amount1, address indexed to);
    event Swap(
        address indexed sender,
        uint256 amount0In,
        uint256 amount1In,
        uint256 amount0Out,
        uint256 amount1Out,
        address indexed to
    );
    event Sync(uint112 reserve0, uint112 reserve1);

    string public constant name = "Devnet pool share";
    string public constant symbol = "DEV-LP";
    uint8 public constant decimals = 18;
    /// @notice Locked for ever with the first shares, so that one share never becomes dear enough to round others away.
    uint256 public constant MINIMUM_LIQUIDITY = 1000;

    address public immutable factory;
    address public token0;
    address public token1;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    uint112 private _reserve0;
    uint112 private _reserve1;
    uint32 private _time;
    bool private _busy;

    modifier alone() {
        require(!_busy, "DevPair: LOCKED");
        _busy = true;
        _;
        _busy = false;
    }

    constructor() {
        factory = msg.sender;
    }

    /// @dev Once, by the factory: the address of a pool depends on its tokens, and its code does not.
    function initialize(address lower, address higher) external {
        require(msg.sender == factory && token0 == address(0), "DevPair: FORBIDDEN");
        (token0, token1) = (lower, higher);
    }

    function getReserves() public view returns (uint112 reserve0, uint112 reserve1, uint32 blockTimestampLast) {
        return (_reserve0, _reserve1, _time);
    }

    /// @notice Give shares for what lies here beyond the reserves.
    function mint(address to) external alone returns (uint256 liquidity) {
        (uint256 amount0, uint256 amount1) = _surplus();
        if (totalSupply == 0) {
            liquidity = _root(amount0 * amount1) - MINIMUM_LIQUIDITY;
            _give(address(0), MINIMUM_LIQUIDITY);
        } else {
            uint256 by0 = amount0 * totalSupply / _reserve0;
            uint256 by1 = amount1 * totalSupply / _reserve1;
            liquidity = by0 < by1 ? by0 : by1;
        }
        require(liquidity > 0, "DevPair: INSUFFICIENT_LIQUIDITY_MINTED");
        _give(to, liquidity);
        _sync();
        emit Mint(msg.sender, amount0, amount1);
    }

    /// @notice Pay out for the shares that lie here.
    function burn(address to) external alone returns (uint256 amount0, uint256 amount1) {
        uint256 liquidity = balanceOf[address(this)];
        amount0 = liquidity * IDevToken(token0).balanceOf(address(this)) / totalSupply;
        amount1 = liquidity * IDevToken(token1).balanceOf(address(this)) / totalSupply;
        require(amount0 > 0 && amount1 > 0, "DevPair: INSUFFICIENT_LIQUIDITY_BURNED");
        balanceOf[address(this)] = 0;
        totalSupply -= liquidity;
        emit Transfer(address(this), address(0), liquidity);
        _pay(token0, to, amount0);
        _pay(token1, to, amount1);
        _sync();
        emit Burn(msg.sender, amount0, amount1, to);
    }

    /// @notice Pay out, if enough was put in before.
    function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes calldata) external alone {
        require(amount0Out > 0 || amount1Out > 0, "DevPair: INSUFFICIENT_OUTPUT_AMOUNT");
        require(amount0Out < _reserve0 && amount1Out < _reserve1, "DevPair: INSUFFICIENT_LIQUIDITY");
        if (amount0Out > 0) _pay(token0, to, amount0Out);
        if (amount1Out > 0) _pay(token1, to, amount1Out);
        uint256 has0 = IDevToken(token0).balanceOf(address(this));
        uint256 has1 = IDevToken(token1).balanceOf(address(this));
        uint256 in0 = has0 > _reserve0 - amount0Out ? has0 - (_reserve0 - amount0Out) : 0;
        uint256 in1 = has1 > _reserve1 - amount1Out ? has1 - (_reserve1 - amount1Out) : 0;
        require(in0 > 0 || in1 > 0, "DevPair: INSUFFICIENT_INPUT_AMOUNT");
        uint256 product = (has0 * 1000 - in0 * 3) * (has1 * 1000 - in1 * 3);
        require(product >= uint256(_reserve0) * _reserve1 * 1_000_000, "DevPair: K");
        _sync();
        emit Swap(msg.sender, in0, in1, amount0Out, amount1Out, to);
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        return _move(msg.sender, to, value);
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed != type(uint256).max) {
            require(value <= allowed, "ERC20: transfer amount exceeds allowance");
            allowance[from][msg.sender] = allowed - value;
        }
        return _move(from, to, value);
    }

    function _move(address from, address to, uint256 value) private returns (bool) {
        require(value <= balanceOf[from], "ERC20: transfer amount exceeds balance");
        balanceOf[from] -= value;
        balanceOf[to] += value;
        emit Transfer(from, to, value);
        return true;
    }

    function _give(address to, uint256 liquidity) private {
        totalSupply += liquidity;
        balanceOf[to] += liquidity;
        emit Transfer(address(0), to, liquidity);
    }

    function _pay(address token, address to, uint256 value) private {
        require(IDevToken(token).transfer(to, value), "DevPair: TRANSFER_FAILED");
    }

    function _surplus() private view returns (uint256 amount0, uint256 amount1) {
        amount0 = IDevToken(token0).balanceOf(address(this)) - _reserve0;
        amount1 = IDevToken(token1).balanceOf(address(this)) - _reserve1;
    }

    function _sync() private {
        uint256 has0 = IDevToken(token0).balanceOf(address(this));
        uint256 has1 = IDevToken(token1).balanceOf(address(this));
        require(has0 <= type(uint112).max && has1 <= type(uint112).max, "DevPair: OVERFLOW");
        (_reserve0, _reserve1, _time) = (uint112(has0), uint112(has1), uint32(block.timestamp));
        emit Sync(_reserve0, _reserve1);
    }

    /// @dev Newton's method from above: it falls until it would rise.
    function _root(uint256 square) private pure returns (uint256 root) {
        root = square;
        uint256 next = square / 2 + 1;
        while (next < root) {
            root = next;
            next = (square / root + root) / 2;
        }
    }
}

/// @title Devnet factory
/// @notice One pool for each two tokens, at an address that follows from them.
contract DevFactory {
    event PairCreated(address indexed token0, address indexed token1, address pair, uint256 count);

    bytes32 public constant pairCodeHash = keccak256(type(DevPair).creationCode);
    mapping(address token => mapping(address other => address)) public getPair;
    address[] public allPairs;

    function allPairsLength() external view returns (uint256) {
        return allPairs.length;
    }

    function createPair(address first, address second) external returns (address pair) {
        require(first != second, "DevFactory: IDENTICAL_ADDRESSES");
        (address lower, address higher) = first < second ? (first, second) : (second, first);
        require(lower != address(0), "DevFactory: ZERO_ADDRESS");
        require(getPair[lower][higher] == address(0), "DevFactory: PAIR_EXISTS");
        DevPair made = new DevPair{salt: keccak256(abi.encodePacked(lower, higher))}();
        made.initialize(lower, higher);
        pair = address(made);
        (getPair[lower][higher], getPair[higher][lower]) = (pair, pair);
        allPairs.push(pair);
        emit PairCreated(lower, higher, pair, allPairs.length);
    }
}

/// @title Devnet router
/// @notice Trades along a path of pools and moves liquidity, within limits and before a deadline, or not at all.
contract DevRouter {
    DevFactory private immutable _factory;
    IDevCoin private immutable _coin;

    modifier before(uint256 deadline) {
        require(block.timestamp <= deadline, "DevRouter: EXPIRED");
        _;
    }

    constructor(IDevCoin coin) {
        _factory = new DevFactory();
        _coin = coin;
    }

    receive() external payable {
        require(msg.sender == address(_coin), "DevRouter: send no coin here");
    }

    function factory() external view returns (address) {
        return address(_factory);
    }

    /// @notice The wrapped coin; the name is the one that wallets call.
    function WETH() external view returns (address) {
        return address(_coin);
    }

    // what a trade gives -----------------------------------------------------------------------------------------------------

    function getAmountsOut(uint256 amountIn, address[] memory path) public view returns (uint256[] memory amounts) {
        require(path.length >= 2, "DevRouter: INVALID_PATH");
        amounts = new uint256[](path.length);
        amounts[0] = amountIn;
        for (uint256 i = 0; i + 1 < path.length; ++i) {
            (uint256 reserveIn, uint256 reserveOut) = _reserves(path[i], path[i + 1]);
            require(amounts[i] > 0, "DevRouter: INSUFFICIENT_INPUT_AMOUNT");
            uint256 counted = amounts[i] * 997;
            amounts[i + 1] = counted * reserveOut / (reserveIn * 1000 + counted);
        }
    }

    function getAmountsIn(uint256 amountOut, address[] memory path) public view returns (uint256[] memory amounts) {
        require(path.length >= 2, "DevRouter: INVALID_PATH");
        amounts = new uint256[](path.length);
        amounts[path.length - 1] = amountOut;
        for (uint256 i = path.length - 1; i > 0; --i) {
            (uint256 reserveIn, uint256 reserveOut) = _reserves(path[i - 1], path[i]);
            require(amounts[i] < reserveOut, "DevRouter: INSUFFICIENT_LIQUIDITY");
            amounts[i - 1] = reserveIn * amounts[i] * 1000 / ((reserveOut - amounts[i]) * 997) + 1;
        }
    }

    // trading ----------------------------------------------------------------------------------------------------------------

    function swapExactTokensForTokens(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256[] memory amounts) {
        amounts = _enough(getAmountsOut(amountIn, path), amountOutMin);
        _take(path[0], _pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, to);
    }

    function swapTokensForExactTokens(
        uint256 amountOut,
        uint256 amountInMax,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256[] memory amounts) {
        amounts = _notTooMuch(getAmountsIn(amountOut, path), amountInMax);
        _take(path[0], _pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, to);
    }

    function swapExactETHForTokens(uint256 amountOutMin, address[] calldata path, address to, uint256 deadline)
        external
        payable
        before(deadline)
        returns (uint256[] memory amounts)
    {
        require(path[0] == address(_coin), "DevRouter: INVALID_PATH");
        amounts = _enough(getAmountsOut(msg.value, path), amountOutMin);
        _wrap(_pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, to);
    }

    function swapETHForExactTokens(uint256 amountOut, address[] calldata path, address to, uint256 deadline)
        external
        payable
        before(deadline)
        returns (uint256[] memory amounts)
    {
        require(path[0] == address(_coin), "DevRouter: INVALID_PATH");
        amounts = _notTooMuch(getAmountsIn(amountOut, path), msg.value);
        _wrap(_pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, to);
        _payCoin(msg.sender, msg.value - amounts[0]);
    }

    function swapExactTokensForETH(
        uint256 amountIn,
        uint256 amountOutMin,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256[] memory amounts) {
        require(path[path.length - 1] == address(_coin), "DevRouter: INVALID_PATH");
        amounts = _enough(getAmountsOut(amountIn, path), amountOutMin);
        _take(path[0], _pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, address(this));
        _unwrap(to, amounts[amounts.length - 1]);
    }

    function swapTokensForExactETH(
        uint256 amountOut,
        uint256 amountInMax,
        address[] calldata path,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256[] memory amounts) {
        require(path[path.length - 1] == address(_coin), "DevRouter: INVALID_PATH");
        amounts = _notTooMuch(getAmountsIn(amountOut, path), amountInMax);
        _take(path[0], _pool(path[0], path[1]), amounts[0]);
        _trade(amounts, path, address(this));
        _unwrap(to, amounts[amounts.length - 1]);
    }

    // liquidity --------------------------------------------------------------------------------------------------------------

    function addLiquidity(
        address tokenA,
        address tokenB,
        uint256 amountADesired,
        uint256 amountBDesired,
        uint256 amountAMin,
        uint256 amountBMin,
        address to,
        uint256 deadline
    ) external before(deadline) returns (uint256 amountA, uint256 amountB, uint256 liquidity) {
        (amountA, amountB) = _inRatio(tokenA, tokenB, amountADesired, amountBDesired);
        _checkMinimums(amountA, amountB, amountAMin, amountBMin);
        address pool = _pool(tokenA, tokenB);
        _take(tokenA, pool, amountA);
        _take(tokenB, pool, amountB);
        liquidity = DevPair(pool).mint(to);
    }

    function addLiquidityETH(
        address token,
        uint256 amountTokenDesired,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline
    ) external payable before(deadline) returns (uint256 amountToken, uint256 amountETH, uint256 liquidity) {
        (amountToken, amountETH) = _inRatio(token, address(_coin), amountTokenDesired, msg.value);
        _checkMinimums(amountToken, amountETH, amountTokenMin, amountETHMin);
        address pool = _pool(token, address(_coin));
        _take(token, pool, amountToken);
        _wrap(pool, amountETH);
        liquidity = DevPair(pool).mint(to);
        _payCoin(msg.sender, msg.value - amountETH);
    }

    function removeLiquidity(
        address tokenA,
        address tokenB,
        uint256 liquidity,
        uint256 amountAMin,
        uint256 amountBMin,
        address to,
        uint256 deadline
    ) public before(deadline) returns (uint256 amountA, uint256 amountB) {
        address pool = _pool(tokenA, tokenB);
        _take(pool, pool, liquidity);
        (uint256 amount0, uint256 amount1) = DevPair(pool).burn(to);
        (amountA, amountB) = tokenA < tokenB ? (amount0, amount1) : (amount1, amount0);
        _checkMinimums(amountA, amountB, amountAMin, amountBMin);
    }

    function removeLiquidityETH(
        address token,
        uint256 liquidity,
        uint256 amountTokenMin,
        uint256 amountETHMin,
        address to,
        uint256 deadline
    ) external returns (uint256 amountToken, uint256 amountETH) {
        (amountToken, amountETH) = removeLiquidity(
            token, address(_coin), liquidity, amountTokenMin, amountETHMin, address(this), deadline
        );
        require(IDevToken(token).transfer(to, amountToken), "DevRouter: TRANSFER_FAILED");
        _unwrap(to, amountETH);
    }

    // internal ---------------------------------------------------------------------------------------------------------------

    function _trade(uint256[] memory amounts, address[] calldata path, address to) private {
        for (uint256 i = 0; i + 1 < path.length; ++i) {
            address next = i + 2 < path.length ? _pool(path[i + 1], path[i + 2]) : to;
            bool upward = path[i] < path[i + 1];
            (uint256 out0, uint256 out1) = upward ? (uint256(0), amounts[i + 1]) : (amounts[i + 1], uint256(0));
            DevPair(_pool(path[i], path[i + 1])).swap(out0, out1, next, "");
        }
    }

    function _inRatio(address tokenA, address tokenB, uint256 wantA, uint256 wantB)
        private
        returns (uint256 amountA, uint256 amountB)
    {
        if (_factory.getPair(tokenA, tokenB) == address(0)) _factory.createPair(tokenA, tokenB);
        (uint112 reserve0, uint112 reserve1,) = DevPair(_pool(tokenA, tokenB)).getReserves();
        if (reserve0 == 0 && reserve1 == 0) return (wantA, wantB);
        (uint256 hasA, uint256 hasB) = tokenA < tokenB ? (reserve0, reserve1) : (reserve1, reserve0);
        uint256 fitB = wantA * hasB / hasA;
        return fitB <= wantB ? (wantA, fitB) : (wantB * hasA / hasB, wantB);
    }

    function _checkMinimums(uint256 amountA, uint256 amountB, uint256 minA, uint256 minB) private pure {
        require(amountA >= minA, "DevRouter: INSUFFICIENT_A_AMOUNT");
        require(amountB >= minB, "DevRouter: INSUFFICIENT_B_AMOUNT");
    }

    function _enough(uint256[] memory amounts, uint256 least) private pure returns (uint256[] memory) {
        require(amounts[amounts.length - 1] >= least, "DevRouter: INSUFFICIENT_OUTPUT_AMOUNT");
        return amounts;
    }

    function _notTooMuch(uint256[] memory amounts, uint256 most) private pure returns (uint256[] memory) {
        require(amounts[0] <= most, "DevRouter: EXCESSIVE_INPUT_AMOUNT");
        return amounts;
    }

    function _reserves(address tokenIn, address tokenOut) private view returns (uint256, uint256) {
        (uint112 reserve0, uint112 reserve1,) = DevPair(_pool(tokenIn, tokenOut)).getReserves();
        require(reserve0 > 0 && reserve1 > 0, "DevRouter: INSUFFICIENT_LIQUIDITY");
        return tokenIn < tokenOut ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    function _pool(address tokenA, address tokenB) private view returns (address pool) {
        pool = _factory.getPair(tokenA, tokenB);
        require(pool != address(0), "DevRouter: INVALID_PATH");
    }

    function _take(address token, address to, uint256 value) private {
        require(IDevToken(token).transferFrom(msg.sender, to, value), "DevRouter: TRANSFER_FROM_FAILED");
    }

    function _wrap(address to, uint256 value) private {
        _coin.deposit{value: value}();
        require(_coin.transfer(to, value), "DevRouter: TRANSFER_FAILED");
    }

    function _unwrap(address to, uint256 value) private {
        _coin.withdraw(value);
        _payCoin(to, value);
    }

    function _payCoin(address to, uint256 value) private {
        if (value == 0) return;
        (bool sent,) = to.call{value: value}("");
        require(sent, "DevRouter: ETH_TRANSFER_FAILED");
    }
}
