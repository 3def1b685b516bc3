// Memory of a block's weights, filled from a hex file, one word a line: a ROM, or
// (RAM 1) one that the register file writes and reads back.
//
// q is word `addr` one cycle later; with mem_read it is word `mem_address`, for
// the CRC. `write` puts `data` at `mem_address`. While either is high the block
// is idle (pta_regs refuses both while the core is busy).
// BLOCK 0: LUTs, 1: block RAM. RAM 0: pta_rom, and the memory port is no logic.
// Resources: RAM 1, BLOCK 0: LUT RAM of DEPTH x W (2 W / 3 LUT up to 32 words,
// 4 W / 3 up to 64), W FF; BLOCK 1: block RAM of DEPTH x W, 72 bits wide at 512
// words; both: ceil(log2(DEPTH)) LUT for the address.
`default_nettype none
module pta_ram #(
    parameter W = 8,
    parameter DEPTH = 16,
    parameter BLOCK = 0,
    parameter RAM = 0,
    parameter FILE = "ram.hex",
    parameter AW = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire          clk,
    input  wire [AW-1:0] addr,
    output wire [W-1:0]  q,
    input  wire          mem_read,
    input  wire [31:0]   mem_address,
    input  wire          write,
    input  wire [W-1:0]  data
);
    wire [AW-1:0] from = mem_read ? mem_address[AW-1:0] : addr;
    generate if (RAM == 0) begin : rom
        pta_rom #(.W(W), .DEPTH(DEPTH), .BLOCK(BLOCK), .FILE(FILE)) words (
            .clk(clk), .addr(addr), .q(q));
    end else if (DEPTH == 1) begin : one
        reg [W-1:0] word [0:0];
        reg [W-1:0] now;
        initial $readmemh(FILE, word);
        always @(posedge clk) begin
            if (write) word[0] <= data;
            now <= word[0];
        end
        assign q = now;
    end else if (BLOCK == 0) begin : lut
        (* ram_style = "distributed" *) reg [W-1:0] word [0:DEPTH-1];
        reg [W-1:0] now;
        initial $readmemh(FILE, word);
        always @(posedge clk) begin
            if (write) word[mem_address[AW-1:0]] <= data;
            now <= word[from];
        end
        assign q = now;
    end else begin : block
        (* ram_style = "block" *) reg [W-1:0] word [0:DEPTH-1];
        reg [W-1:0] now;
        initial $readmemh(FILE, word);
        always @(posedge clk) begin
            if (write) word[mem_address[AW-1:0]] <= data;
            now <= word[from];
        end
        assign q = now;
    end endgenerate
endmodule
`default_nettype wire
