using System.Text;

namespace Vernier.TestKit;

/// <summary>Splits a GGUF file into parts as gguf-split of llama.cpp does, byte by byte and apart from the production code.</summary>
public sealed class SplitGguf
{
    private const int Alignment = 32;

    private readonly byte[] _file;
    private readonly List<(byte[] Description, int Begin)> _tensors = [];
    private readonly byte[] _pairs;
    private readonly int _pairCount, _data;
    private int _at = 4 + 4;

    private SplitGguf(byte[] file)
    {
        _file = file;
        int tensors = (int)Take(8);
        _pairCount = (int)Take(8);
        int begin = _at;
        for (int i = 0; i < _pairCount; i++)
        {
            SkipText();
            SkipValue((int)Take(4));
        }
        _pairs = file[begin.._at];
        for (int i = 0; i < tensors; i++)
        {
            int first = _at;
            SkipText();
            int rank = (int)Take(4);
            _at += 8 * rank + 4;
            _tensors.Add((file[first.._at], (int)Take(8)));
        }
        _data = Align(_at);
    }

    /// <summary>Writes the parts.</summary>
    /// <param name="file">The file, of alignment 32.</param>
    /// <param name="stem">Where the parts are to lie, without their numbers.</param>
    /// <param name="tensors">How many tensors each part has.</param>
    /// <returns>The paths of the parts.</returns>
    public static string[] Write(string file, string stem, params int[] tensors)
    {
        var source = new SplitGguf(File.ReadAllBytes(file));
        var paths = new string[tensors.Length];
        for (int part = 0, first = 0; part < tensors.Length; first += tensors[part++])
        {
            paths[part] = $"{stem}-{part + 1:00000}-of-{tensors.Length:00000}.gguf";
            File.WriteAllBytes(paths[part], source.Part(part, tensors.Length, first, tensors[part]));
        }
        return paths;
    }

    /// <summary>A pair of metadata whose value is a number of two bytes (type 2) or of four (types 4 and 5).</summary>
    public static byte[] Pair(string key, int type, int value) =>
        [.. Text(key), .. BitConverter.GetBytes(type), .. BitConverter.GetBytes(value)[..(type == 2 ? 2 : 4)]];

    private byte[] Part(int number, int count, int first, int tensors)
    {
        List<byte> header =
        [
            .. "GGUF"u8, .. BitConverter.GetBytes(3), .. BitConverter.GetBytes((long)tensors),
            .. BitConverter.GetBytes((long)(number == 0 ? _pairCount : 0) + 3), .. number == 0 ? _pairs : [],
            .. Pair("split.no", 2, number), .. Pair("split.count", 2, count), .. Pair("split.tensors.count", 5, _tensors.Count),
        ];
        List<byte> data = [];
        for (int i = first; i < first + tensors; i++)
        {
            header.AddRange(_tensors[i].Description);
            header.AddRange(BitConverter.GetBytes((long)data.Count));
            int end = i + 1 < _tensors.Count ? _tensors[i + 1].Begin : _file.Length - _data;
            data.AddRange(_file[(_data + _tensors[i].Begin)..(_data + end)]);
            Pad(data);
        }
        Pad(header);
        return [.. header, .. data];
    }

    private long Take(int bytes)
    {
        _at += bytes;
        return bytes == 8 ? BitConverter.ToInt64(_file, _at - 8) : BitConverter.ToInt32(_file, _at - 4);
    }

    private void SkipText()
    {
        int length = (int)Take(8);
        _at += length;
    }

    private void SkipValue(int type)
    {
        switch (type)
        {
            case 8:
                SkipText();
                break;
            case 9:
                int element = (int)Take(4);
                for (long left = Take(8); left > 0; left--)
                    SkipValue(element);
                break;
            default:
                _at += type switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, _ => 8 };
                break;
        }
    }

    private static int Align(int position) => (position + Alignment - 1) / Alignment * Alignment;

    private static void Pad(List<byte> bytes) => bytes.AddRange(new byte[Align(bytes.Count) - bytes.Count]);

    private static byte[] Text(string text) => [.. BitConverter.GetBytes((long)text.Length), .. Encoding.ASCII.GetBytes(text)];
}
